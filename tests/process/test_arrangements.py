"""The ways of telling applications from a monitor, all in use at once: each call is recorded or not, exactly."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import Struct, json

from adapters.testing.credit_risk import numeric_cells
from adapters.testing.openscale import OpenScaleEmulator
from adapters.testing.sagemaker import SageMakerEmulator
from gateway.payloadlog.reading import SpoolReader
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.calling import SPOOL, becomes, calling, credit_rows
from tests.process.clouds import APPLICATION, AWS, MONITOR, OPERATOR, Tree, aws_part, configuration

SEED = 20261121
AT_ONCE = 16
PREFIX = "openscale_gateway_"
COUNTERS = ("calls_total", "records_total", "unrecorded_calls_total")
HEADER = "X-Payload-Log"
MARKED, UNMARKED = {HEADER: "true"}, {HEADER: "false"}
WITH_AUTHENTICATION: dict[str, Tree] = {
    "case1-single": {"log": "native"},
    "case1-dual": {"log": "native"},
    "case1-marker": {"log": "native", "log_marker": {"header": HEADER, "value": "true"}},
    "case2-dual": {},
    "case2-marker-header": {"log_marker": {"header": HEADER, "value": "true"}},
    "case2-marker-body": {"log_marker": {"body_key": "log_it"}},
    "no-log": {"log": "none"},
    "everybody": {"log": "all"},
}
WITHOUT_AUTHENTICATION: dict[str, Tree] = {
    "case1-single": {"log": "native"},
    "case1-dual": {"log": "native"},
    "case2-dual-by-url": {},
    "no-log": {"log": "none"},
}


class Calls(Struct, frozen=True):
    """`n` calls that are alike. `left_out`: why they leave no record; None: each leaves one.

    `native`: in the endpoint's own form.
    """

    n: int
    deployment: str
    user: str | None
    left_out: str | None = None
    prefix: str = ""
    headers: dict[str, str] = {}
    body: dict[str, Any] = {}
    native: bool = False

    @property
    def origin(self) -> str:
        return "monitor" if self.user == MONITOR or self.prefix else "application"

    def content(self) -> tuple[bytes, str]:
        """The body, and its type."""
        if not self.native:
            return json.encode(credit_rows() | self.body), "application/json"
        (row,) = credit_rows()["values"]
        return ",".join(map(str, numeric_cells(row))).encode(), "text/csv"


Answered = tuple[Calls, str]
"""What was called, and the scoring id of its answer."""

# Every number is another one, so that no mistake makes up for another.
CALLS = (
    Calls(23, "case2-dual", APPLICATION),
    Calls(5, "case2-dual", OPERATOR),
    Calls(17, "case2-dual", MONITOR, "monitor"),
    Calls(11, "case2-dual", MONITOR, "monitor", prefix="/monitor"),
    Calls(2, "case2-dual", MONITOR, "monitor", prefix="/monitor/engines/aws"),
    Calls(19, "case2-marker-header", APPLICATION, headers=MARKED),
    Calls(13, "case2-marker-header", APPLICATION, "no_marker"),
    Calls(7, "case2-marker-header", APPLICATION, "no_marker", headers=UNMARKED),
    Calls(6, "case2-marker-header", MONITOR, "monitor", headers=MARKED),
    Calls(21, "case2-marker-body", APPLICATION, body={"log_it": None}),
    Calls(12, "case2-marker-body", APPLICATION, "no_marker", headers=MARKED),
    Calls(8, "no-log", APPLICATION, "log_none"),
    Calls(4, "no-log", MONITOR, "log_none"),
    Calls(14, "everybody", APPLICATION),
    Calls(9, "everybody", MONITOR),
    Calls(3, "everybody", MONITOR, "monitor", prefix="/monitor"),
    Calls(26, "case1-single", APPLICATION, native=True),
    Calls(24, "case1-single", APPLICATION, "monitor"),
    Calls(16, "case1-single", OPERATOR, native=True),
    Calls(10, "case1-single", MONITOR, "monitor"),
    Calls(1, "case1-single", MONITOR, "monitor", native=True),
    Calls(22, "case1-dual", APPLICATION, native=True),
    Calls(20, "case1-dual", MONITOR, "monitor", prefix="/monitor"),
    Calls(25, "case1-marker", APPLICATION, native=True, headers=MARKED),
    Calls(27, "case1-marker", APPLICATION, "no_marker", native=True),
    Calls(28, "case1-marker", APPLICATION, "monitor", headers=MARKED),
)
OPEN_CALLS = (
    Calls(18, "case2-dual-by-url", None),
    Calls(15, "case2-dual-by-url", None, "monitor", prefix="/monitor"),
    Calls(10, "no-log", None, "log_none"),
    Calls(1, "no-log", None, "log_none", prefix="/monitor"),
    Calls(12, "case1-single", None, native=True),
    Calls(9, "case1-single", None, "monitor"),
    Calls(14, "case1-dual", None, native=True),
    Calls(11, "case1-dual", None, "monitor", prefix="/monitor"),
    Calls(3, "case1-dual", None, "monitor", prefix="/monitor", native=True),
)


async def test_every_call_of_every_arrangement_is_counted_exactly_in_a_mixed_run(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    async with OpenScaleEmulator(data_sets=list(WITH_AUTHENTICATION)) as openscale:
        guarded = await start_gateway(guarded_tree(sagemaker, openscale))
        open_to_all = await start_gateway(open_tree(sagemaker))
        turns = asyncio.Semaphore(AT_ONCE)
        answered, answered_by_open = await asyncio.gather(
            answers(guarded, CALLS, turns), answers(open_to_all, OPEN_CALLS, turns)
        )

        assert recorded(tmp_path / SPOOL) == owed_records(answered)
        assert recorded(tmp_path / "open.db") == owed_records(answered_by_open)
        async with calling(guarded, OPERATOR) as operator, calling(open_to_all, None) as anybody:
            assert await counts(operator) == expected_counts(CALLS)
            assert await counts(anybody) == expected_counts(OPEN_CALLS)
        await becomes(lambda: SpoolReader(tmp_path / SPOOL).accounts()[0].pending == 0)
        stored = {name: sorted(row["scoring_id"] for row in openscale.rows(name)) for name in WITH_AUTHENTICATION}
    assert stored == {
        name: sorted(
            f"{scoring_id}-1"
            for kind, scoring_id in answered
            if kind.deployment == name and kind.left_out is None and kind.origin == "application"
        )
        for name in WITH_AUTHENTICATION
    }


def deployments(sagemaker: SageMakerEmulator, logging: dict[str, Tree]) -> tuple[Tree, dict[str, Tree]]:
    part = aws_part(sagemaker.url)
    common = part["deployments"].pop(AWS)
    return part, {name: {**common, **settings} for name, settings in logging.items()}


def guarded_tree(sagemaker: SageMakerEmulator, openscale: OpenScaleEmulator) -> Tree:
    part, named = deployments(sagemaker, WITH_AUTHENTICATION)
    sink = {
        "type": "openscale",
        "url": openscale.url,
        "token_url": openscale.iam_url,
        "apikey": "openscale-apikey",
        "data_sets": {name: name for name in named},
        "batch": {"seconds": 0.1},
    }
    return configuration(part, deployments=named, sinks={"openscale": sink}, server={"workers": 2})


def open_tree(sagemaker: SageMakerEmulator) -> Tree:
    part, named = deployments(sagemaker, WITHOUT_AUTHENTICATION)
    return configuration(part, deployments=named, payload_log={"path": "open.db"}) | {"auth": {"mode": "none"}}


async def answers(gateway: GatewayProcess, kinds: Sequence[Calls], turns: asyncio.Semaphore) -> list[Answered]:
    """Make all calls, mixed."""
    order = [kind for kind in kinds for _ in range(kind.n)]
    random.Random(SEED).shuffle(order)  # noqa: S311 - the same order at every run
    async with AsyncExitStack() as stack:
        sessions = {
            user: await stack.enter_async_context(calling(gateway, user)) for user in {kind.user for kind in kinds}
        }

        async def answered(kind: Calls) -> Answered:
            url = f"{kind.prefix}/v1/deployments/{kind.deployment}/online"
            content, content_type = kind.content()
            headers = {"Content-Type": content_type} | kind.headers
            async with turns, sessions[kind.user].post(url, data=content, headers=headers) as response:
                assert response.status == 200, await response.text()
                assert set(await response.json()) == (
                    {"predictions"} if kind.native else {"fields", "labels", "values"}
                )
                return kind, response.headers["X-Scoring-Id"]

        return await asyncio.gather(*map(answered, order))


def recorded(spool: Path) -> list[tuple[str, str, str]]:
    return sorted((one.scoring_id, one.deployment_id, one.origin) for one in SpoolReader(spool).records())


def owed_records(answered: Sequence[Answered]) -> list[tuple[str, str, str]]:
    return sorted((scoring_id, kind.deployment, kind.origin) for kind, scoring_id in answered if kind.left_out is None)


async def counts(session: aiohttp.ClientSession) -> dict[str, float]:
    """Return what one scrape says of calls."""
    async with session.get("/metrics") as response:
        lines = (line.rpartition(" ") for line in (await response.text()).splitlines())
        found = {name.removeprefix(PREFIX): float(value) for name, _, value in lines if name.startswith(PREFIX)}
    return {name: value for name, value in found.items() if name.partition("{")[0] in COUNTERS and value}


def expected_counts(kinds: Sequence[Calls]) -> dict[str, float]:
    expected: Counter[str] = Counter()
    for kind in kinds:
        deployment = f'deployment="{kind.deployment}"'
        expected[f'calls_total{{{deployment},origin="{kind.origin}",outcome="scored"}}'] += kind.n
        if kind.left_out is None:
            expected[f'records_total{{{deployment},outcome="scored"}}'] += kind.n
        else:
            expected[f'unrecorded_calls_total{{{deployment},reason="{kind.left_out}"}}'] += kind.n
    return dict(expected)
