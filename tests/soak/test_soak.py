"""Everything at once: a sink that is always down, one that flaps, one that lies, restarts and kills, mixed traffic.

At the end the books balance to the record. SOAK_SECONDS sets the length of the long form (default: 20 minutes).
"""

import asyncio
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters.testing.emulator import Fault
from adapters.testing.openscale import OpenScaleEmulator
from adapters.testing.sagemaker import SageMakerEmulator
from gateway.payloadlog.accounting import SinkAccount
from gateway.payloadlog.reading import SpoolReader
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.calling import SPOOL, becomes, calling, score
from tests.process.clouds import AWS, DATA_SETS, Tree, aws_part, configuration, openscale_sinks
from tests.soak.memory import Memory
from tests.soak.traffic import Traffic

SEED = 20261121
SHORT_SECONDS = 30.0
# Leaves the processor to the tests beside it.
SHORT_PAUSE_SECONDS = 0.05
LONG_SECONDS = float(os.environ.get("SOAK_SECONDS", "1200"))
# The rest of the time nothing is killed, so that the memory of one process can be watched.
SHARE_OF_FAULTS = 0.6
# What a line through the memory of all processes may rise by in the last fifth of a run. A process is warm after some
# thousand calls; those of the short form are not.
MAX_GROWTH_BYTES = 6_000_000
MAX_GROWTH_BYTES_SHORT = 20_000_000
SERVES_NOBODY = "http://127.0.0.1:9"
LOSE_REPLY = Fault(route="store", connection="lose")
DOWN = Fault(route="store", times=None, status=503)


class Soak:
    """One run."""

    def __init__(
        self,
        start_gateway: StartGateway,
        config: Tree,
        flapping: OpenScaleEmulator,
        lying: OpenScaleEmulator,
        traffic: Traffic,
    ):
        self._start_gateway = start_gateway
        self._config = config
        self._flapping = flapping
        self._lying = lying
        self._choose = random.Random(SEED)  # noqa: S311 - the same faults at every run
        self.traffic = traffic
        self.endings: list[str] = []

    async def run(self, seconds: float) -> Memory:
        """Run; return the memory of the last gateway, which nobody kills."""
        until = time.monotonic() + seconds * SHARE_OF_FAULTS
        while time.monotonic() < until:
            await self._start()
            await self._spoil(self._choose.uniform(0.02, 0.06) * min(seconds, 240.0))
            await self._end()
        await self._start()
        memory = Memory(self._gateway)
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(memory.watch())
            await self._spoil(seconds * (1 - SHARE_OF_FAULTS))
            watching.cancel()
        return memory

    async def come_to_rest(self, directory: Path) -> list[SinkAccount]:
        """Heal all sinks but the one that is down, wait until they have everything, and stop."""
        self.traffic.stop()
        self._flapping.recover()
        self._lying.recover()
        reader = SpoolReader(directory / SPOOL)

        def delivered() -> bool:
            return all(not account.pending for account in reader.accounts() if account.sink != "down")

        await becomes(delivered, seconds=150)
        assert await self._gateway.stop() == 0
        return reader.accounts()

    async def _start(self) -> None:
        self._gateway: GatewayProcess = await self._start_gateway(self._config)
        self.traffic.gateway = self._gateway

    async def _spoil(self, seconds: float) -> None:
        """Let one sink come and go, and another one lose some replies."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._lying.play(*[LOSE_REPLY] * self._choose.randint(0, 2))
            self._flapping.play(DOWN)
            await asyncio.sleep(self._choose.uniform(0.2, 0.6))
            self._flapping.recover()
            await asyncio.sleep(self._choose.uniform(0.2, 0.6))

    async def _end(self) -> None:
        await self.traffic.has_answers(1)
        ending = self._choose.choice(("kill", "kill a worker", "stop"))
        self.endings.append(ending)
        if ending == "kill a worker":
            self._gateway.kill_worker(self._choose.choice(self._gateway.workers()))
            await self.traffic.has_answers(20)
            ending = "stop"
        if ending == "stop":
            self._gateway.ask_to_stop()
        self.traffic.gateway = None
        if ending == "kill":
            await self._gateway.kill()
        else:
            assert await self._gateway.stop() == 0


@pytest.mark.timeout(300)
async def test_the_books_balance_to_the_record_after_a_short_time_of_everything(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    traffic = Traffic(applications=6, monitors=2, pause_seconds=SHORT_PAUSE_SECONDS)
    memory = await _soak(SHORT_SECONDS, traffic, sagemaker, start_gateway, tmp_path)
    assert memory.growth() < MAX_GROWTH_BYTES_SHORT


@pytest.mark.soak
async def test_the_books_balance_to_the_record_after_a_long_time_of_everything(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    traffic = Traffic(applications=6, monitors=2, pause_seconds=0)
    memory = await _soak(LONG_SECONDS, traffic, sagemaker, start_gateway, tmp_path)
    assert memory.growth() < MAX_GROWTH_BYTES


async def _soak(
    seconds: float, traffic: Traffic, sagemaker: SageMakerEmulator, start_gateway: StartGateway, directory: Path
) -> Memory:
    async with OpenScaleEmulator() as flapping, OpenScaleEmulator() as lying, asyncio.timeout(seconds * 2 + 240):
        sinks = {
            "down": openscale_sinks(flapping, AWS)["openscale"] | {"url": SERVES_NOBODY},
            "flapping": openscale_sinks(flapping, AWS)["openscale"],
            "lying": openscale_sinks(lying, AWS)["openscale"],
        }
        config = configuration(aws_part(sagemaker.url), sinks=sinks, server={"workers": 2})
        soak = Soak(start_gateway, config, flapping, lying, traffic)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(traffic.run())
            memory = await soak.run(seconds)
            traffic.stop()
        accounts = await soak.come_to_rest(directory)
        stored = [[row["scoring_id"] for row in sink.rows(DATA_SETS[AWS])] for sink in (flapping, lying)]
    recorded = sorted(f"{record.scoring_id}-1" for record in SpoolReader(directory / SPOOL).records())
    _check(traffic, accounts, recorded, stored)
    print(  # noqa: T201 - figures for docs/reliability.md
        f"\n{seconds:g} s: {len(recorded)} records, {len(traffic.monitored)} monitor calls, "
        f"{len(soak.endings)} endings, {traffic.scrapes} scrapes, "
        f"{sum(lying.taken.values()) - len(recorded)} repeats; {memory.figures()}"
    )
    return memory


def _check(traffic: Traffic, accounts: Sequence[SinkAccount], recorded: list[str], stored: Sequence[list[str]]) -> None:
    assert {f"{scoring_id}-1" for scoring_id in traffic.answered} <= set(recorded)
    assert not {f"{scoring_id}-1" for scoring_id in traffic.monitored} & set(recorded)
    assert traffic.scrapes > 0
    assert traffic.monitored
    assert all(account.balances for account in accounts)
    down, flapping, lying = accounts
    n = len(set(recorded))
    assert n == len(recorded)
    assert (down.accepted, down.pending) == (n, n)
    for account, rows in zip((flapping, lying), stored, strict=True):
        assert (account.accepted, account.delivered) == (n, n)
        assert rows == recorded


@pytest.mark.soak
async def test_p99_with_a_sink_down_is_within_a_fifth_of_p99_with_it_up(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway
) -> None:
    async with OpenScaleEmulator() as first, OpenScaleEmulator() as second, OpenScaleEmulator() as third:
        gateways = []
        for name in ("up", "down"):
            sinks = {
                f"sink{n}": openscale_sinks(emulator, AWS)["openscale"]
                for n, emulator in enumerate((first, second, third))
            }
            if name == "down":
                sinks["sink0"]["url"] = SERVES_NOBODY
            config = configuration(aws_part(sagemaker.url), sinks=sinks, payload_log={"path": f"{name}.db"})
            gateways.append(await start_gateway(config))
        of_up, of_down = await _times_of(gateways, seconds=LONG_SECONDS / 5)
    up, down = (quantile(times, 0.99) for times in (of_up, of_down))
    print(  # noqa: T201 - figures for docs/reliability.md
        f"\np99 of {len(of_up)} calls with all sinks up {up * 1e3:.1f} ms, of {len(of_down)} with one down "
        f"{down * 1e3:.1f} ms: a ratio of {down / up:.2f}"
    )
    assert down <= up * 1.2


async def _times_of(gateways: Sequence[GatewayProcess], *, seconds: float, callers: int = 4) -> list[list[float]]:
    """Call all gateways in turn, so that each sees the same machine; return the seconds that its calls took."""
    taken: list[list[float]] = [[] for _ in gateways]
    until = time.monotonic() + seconds

    async def call() -> None:
        async with calling(gateways[0]) as first, calling(gateways[1]) as second:
            while time.monotonic() < until:
                for times, session in zip(taken, (first, second), strict=True):
                    start = time.perf_counter()
                    assert (await score(session, AWS)).status == 200
                    times.append(time.perf_counter() - start)

    await asyncio.gather(*(call() for _ in range(callers)))
    return taken


def quantile(times: Sequence[float], share: float) -> float:
    return sorted(times)[int(len(times) * share)]
