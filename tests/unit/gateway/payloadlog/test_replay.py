from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.base.sink import RecordFilter
from gateway.payloadlog.cursors import Cursors, DeadLetter, LaneKey, Registration
from gateway.payloadlog.lane import ConnectedSink
from gateway.payloadlog.pace import Pace
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.replay import Replay
from schemas.configuration import BatchSettings, SinkSettings
from schemas.errors import PayloadLogError, SinkUnavailableError
from tests.fakes.payload_records import FIRST_US, entry
from tests.fakes.sinks import FakeSink

Append = Callable[..., None]
QUICK = Pace(backoff=0.001, backoff_at_most=0.002, jitter=lambda: 1.0)
ALWAYS = {"start_us": 0, "end_us": FIRST_US * 2}


@pytest.fixture
def ids(spool: Path, append: Append) -> list[str]:
    """Ten records of the sink `a`, a second apart: the third is a dead letter, the last two are pending."""
    cursors = Cursors(spool)
    cursors.register({"a": Registration(RecordFilter(), "beginning")})
    entries = [entry(scored_at_us=FIRST_US + k * 1_000_000) for k in range(10)]
    append(*entries)
    cursors.advance(
        LaneKey("a", 1, "credit"), cursor=8, delivered=7, dead=[DeadLetter(3, entries[2].scoring_id, "refused")]
    )
    cursors.close()
    return [one.scoring_id for one in entries]


def replay(spool: Path, sink: FakeSink, name: str = "a") -> Replay:
    settings = SinkSettings(type="fake", batch=BatchSettings(records=4))
    return Replay(spool, ConnectedSink(name, sink, settings), pace=QUICK)


async def test_settled_records_are_sent_in_order_and_counted_apart(spool: Path, ids: list[str]) -> None:
    (before,) = SpoolReader(spool).accounts()
    sink = FakeSink()
    assert (await replay(spool, sink).run(**ALWAYS)).sent == 7
    assert sink.stored == [*ids[:2], *ids[3:8]]
    assert sink.sends == [4, 3]
    (after,) = SpoolReader(spool).accounts()
    assert (after.replayed, after.balances) == (7, True)
    assert (after.delivered, after.pending, after.dead) == (before.delivered, before.pending, before.dead)


async def test_only_the_time_and_deployment_that_were_asked_for(spool: Path, ids: list[str]) -> None:
    sink = FakeSink()
    await replay(spool, sink).run(start_us=FIRST_US + 3_000_000, end_us=FIRST_US + 5_000_000)
    assert sink.stored == ids[3:5]
    await replay(spool, sink).run(**ALWAYS, deployment_id="another")
    assert sink.stored == ids[3:5]


async def test_records_that_are_refused_now_are_told_and_stay_delivered(spool: Path, ids: list[str]) -> None:
    sink = FakeSink()
    sink.poison = {ids[4]}
    done = await replay(spool, sink).run(**ALWAYS)
    assert (done.sent, [letter.scoring_id for letter in done.refused]) == (6, [ids[4]])
    (account,) = SpoolReader(spool).accounts()
    assert (account.dead, account.balances) == (1, True)


async def test_a_sink_that_stays_down_ends_the_replay(spool: Path, ids: list[str]) -> None:
    sink = FakeSink()
    sink.down = {"credit"}
    with pytest.raises(SinkUnavailableError):
        await replay(spool, sink).run(**ALWAYS)
    assert len(sink.sends) == 6


async def test_a_sink_that_the_spool_does_not_know_is_named(spool: Path, ids: list[str]) -> None:
    with pytest.raises(PayloadLogError, match="does not know the sink b"):
        await replay(spool, FakeSink(), "b").run(**ALWAYS)
