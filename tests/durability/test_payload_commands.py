"""The commands that look after deliveries, beside a running gateway and its sink."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import json

from adapters.testing.emulator import Fault
from adapters.testing.openscale import OpenScaleEmulator
from adapters.testing.sagemaker import SageMakerEmulator
from gateway.payloadlog.accounting import SinkAccount
from gateway.payloadlog.reading import SpoolReader
from tests.gateway_commands import payloads
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.calling import SPOOL, becomes, calling, credit_rows, score
from tests.process.clouds import AWS, DATA_SETS, aws_part, configuration, openscale_sinks

DATA_SET = DATA_SETS[AWS]
ALWAYS = ("--start", "2020-01-01", "--end", "2100-01-01")


def account(directory: Path) -> SinkAccount:
    (found,) = SpoolReader(directory / SPOOL).accounts()
    assert found.balances
    return found


class Bench:
    """A gateway that has delivered."""

    def __init__(self, gateway: GatewayProcess, openscale: OpenScaleEmulator, directory: Path) -> None:
        self.gateway = gateway
        self.openscale = openscale
        self.directory = directory

    async def scored(self, n: int, n_rows: int = 2) -> list[str]:
        async with calling(self.gateway) as session:
            answers = [await score(session, AWS, credit_rows(n_rows)) for _ in range(n)]
        return [answer.scoring_id for answer in answers]

    async def settled(self) -> SinkAccount:
        await becomes(lambda: account(self.directory).pending == 0)
        return account(self.directory)

    async def audited(self, *options: str) -> tuple[int, list[dict[str, Any]]]:
        ended = await payloads(self.gateway, "audit", "--json", *options)
        assert not ended.complaint
        report = json.decode(ended.output)
        return ended.code, report["findings"]


@pytest.fixture
async def bench(
    sagemaker: SageMakerEmulator, openscale: OpenScaleEmulator, start_gateway: StartGateway, tmp_path: Path
) -> Bench:
    sinks = openscale_sinks(openscale, AWS)
    sinks["openscale"]["batch"] = {"seconds": 0.3, "records": 8}
    return Bench(await start_gateway(configuration(aws_part(sagemaker.url), sinks=sinks)), openscale, tmp_path)


def finding(kind: str, scoring_id: str) -> dict[str, str]:
    return {"sink": "openscale", "kind": kind, "deployment_id": AWS, "scoring_id": scoring_id}


async def test_an_audit_finds_nothing_where_the_sink_holds_every_record_and_says_where_it_cannot_ask(
    bench: Bench,
) -> None:
    await bench.scored(12)
    await bench.settled()
    assert await bench.audited() == (0, [])
    shown = await payloads(bench.gateway, "audit")
    assert shown.code == 0
    assert " ".join(shown.output.splitlines()[-1].split()) == "openscale 12 12 0 0 0 yes 12 12 0 0 0 0"

    for action in (("audit",), ("requeue", "--all"), ("replay", *ALWAYS)):
        ended = await payloads(bench.gateway, *action, "--sink", "elsewhere")
        assert (ended.code, ended.output) == (1, "")
        assert "no sink elsewhere; it has: openscale." in ended.complaint

    bench.openscale.play(Fault(route="records", times=None, status=503))
    ended = await payloads(bench.gateway, "audit")
    assert ended.code == 1
    assert "openscale: OpenScale does not take part now (status 503)" in ended.complaint


async def test_an_audit_names_records_and_rows_that_a_sink_has_lost_and_records_it_was_never_owed(
    bench: Bench,
) -> None:
    lost, cut, *_ = await bench.scored(5)
    await bench.settled()
    foreign = "f" * 32
    bench.openscale.copy_row(DATA_SET, f"{cut}-1", f"{foreign}-1")
    assert await bench.audited("--sink", "openscale") == (1, [finding("surplus", foreign)])
    # Another gateway fills the sink, too.
    assert await bench.audited("--shared") == (0, [finding("surplus", foreign)])

    bench.openscale.lose_rows(DATA_SET, f"{lost}-1", f"{lost}-2", f"{cut}-2", f"{foreign}-1")
    code, findings = await bench.audited()
    assert (code, findings) == (1, [finding("incomplete", cut), finding("missing", lost)])
    shown = await payloads(bench.gateway, "audit", "--shared")
    assert shown.code == 1
    assert f"missing: openscale {AWS} {lost}" in shown.output.splitlines()


async def test_a_requeued_dead_letter_reaches_the_sink_while_the_gateway_runs(bench: Bench) -> None:
    dead, *others = await _with_a_dead_letter(bench)
    assert await bench.audited() == (0, [])
    listed = await payloads(bench.gateway, "dead-letters", "--json")
    assert [json.decode(line)["scoring_id"] for line in listed.output.splitlines()] == [dead]
    assert dead in (await payloads(bench.gateway, "dead-letters")).output
    assert (await payloads(bench.gateway, "requeue", "--sink", "openscale", "--id", others[0])).code == 1
    bench.openscale.refused.clear()
    assert (await payloads(bench.gateway, "requeue", "--sink", "openscale", "--id", dead)).code == 0
    books = await bench.settled()
    assert (books.accepted, books.delivered, books.dead) == (5, 5, 0)
    assert await bench.audited() == (0, [])


async def test_a_replay_sends_once_more_what_was_delivered_and_leaves_the_books_alone(bench: Bench) -> None:
    dead, *delivered = await _with_a_dead_letter(bench)
    before = account(bench.directory)
    bench.openscale.lose_rows(DATA_SET, *(row["scoring_id"] for row in bench.openscale.rows(DATA_SET)))
    ended = await payloads(bench.gateway, "replay", "--sink", "openscale", *ALWAYS)
    assert (ended.code, ended.complaint) == (0, "")
    assert ended.output == f"{len(delivered)} records sent to openscale once more.\n"
    assert all(bench.openscale.taken[one] >= 2 for one in delivered)
    assert bench.openscale.taken[dead] == 0
    after = account(bench.directory)
    assert (before.replayed, after.replayed) == (0, len(delivered))
    assert (after.delivered, after.dead, after.pending) == (before.delivered, 1, 0)
    assert await bench.audited() == (0, [])


async def _with_a_dead_letter(bench: Bench) -> list[str]:
    """Score five times; the sink refuses the first. Its id comes first."""
    bench.openscale.play(Fault(route="store", times=None, status=503))
    scoring_ids = await bench.scored(5)
    bench.openscale.refused.add(scoring_ids[0])
    bench.openscale.recover()
    books = await bench.settled()
    assert (books.dead, books.delivered) == (1, 4)
    return scoring_ids
