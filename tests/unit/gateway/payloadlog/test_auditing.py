import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.base.sink import Held, RecordFilter
from gateway.payloadlog.auditing import Audit, Finding
from gateway.payloadlog.cursors import Cursors, DeadLetter, LaneKey, Registration
from gateway.payloadlog.retention import Retention
from schemas.errors import SinkUnavailableError
from tests.fakes.payload_records import FIRST_US, entry

Append = Callable[..., None]
LANE = LaneKey("a", 1, "credit")
BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


class Holder:
    """A far side that holds rows of calls of a time; `down`: it can't be asked."""

    def __init__(self, holds: dict[str, tuple[int, int]], *, down: bool = False) -> None:
        self.holds = holds
        self.down = down
        self.asked: list[tuple[datetime, datetime]] = []

    async def held(self, deployment_id: str, *, start: datetime, end: datetime, deadline: float) -> AsyncIterator[Held]:
        if self.down:
            raise SinkUnavailableError("It is down.")
        self.asked.append((start, end))
        for scoring_id, (at_us, rows) in self.holds.items():
            if start <= BEGIN + timedelta(microseconds=at_us) < end:
                yield Held(scoring_id, rows)


def delivered(
    spool: Path, append: Append, n: int, *, start: str = "beginning", dead: int = 0
) -> dict[str, tuple[int, int]]:
    """Append and deliver n records, a second apart, the first of which are dead letters; return what is held then."""
    cursors = Cursors(spool)
    cursors.register({"a": Registration(RecordFilter(), start)})
    entries = [entry(scored_at_us=FIRST_US + k * 1_000_000) for k in range(n)]
    append(*entries)
    letters = [DeadLetter(k + 1, entries[k].scoring_id, "refused") for k in range(dead)]
    cursors.advance(LANE, cursor=n, delivered=n - dead, dead=letters)
    cursors.close()
    return {one.scoring_id: (one.scored_at_us, 1) for one in entries[dead:]}


async def findings(spool: Path, holder: Holder, *, window_records: int = 20_000) -> list[Finding]:
    return [finding async for finding in Audit(spool, {"a": holder}, window_records=window_records).run()]


async def test_what_agrees_is_counted_and_no_finding(spool: Path, append: Append) -> None:
    holder = Holder(delivered(spool, append, 10, dead=2))
    audit = Audit(spool, {"a": holder})
    assert [finding async for finding in audit.run()] == []
    assert (audit.sinks["a"].compared, audit.sinks["a"].held, audit.sinks["a"].problem) == (8, 8, None)


async def test_windows_meet_without_a_gap_and_find_the_same(spool: Path, append: Append) -> None:
    holds = delivered(spool, append, 10)
    lost, *_, doubled = holds
    del holds[lost]
    holds[doubled] = (holds[doubled][0], 2)
    holds["f" * 32] = (FIRST_US + 3_500_000, 1)
    holder = Holder(holds)
    assert await findings(spool, holder, window_records=3) == [
        Finding("a", "missing", "credit", lost),
        Finding("a", "surplus", "credit", "f" * 32),
        Finding("a", "doubled", "credit", doubled),
    ]
    assert len(holder.asked) == 4
    assert all(before[1] == after[0] for before, after in zip(holder.asked, holder.asked[1:], strict=False))


async def test_calls_of_one_moment_are_never_cut_apart(spool: Path, append: Append) -> None:
    cursors = Cursors(spool)
    cursors.register({"a": Registration(RecordFilter(), "beginning")})
    entries = [entry() for _ in range(7)]
    append(*entries)
    cursors.advance(LANE, cursor=7, delivered=7, dead=[])
    cursors.close()
    holder = Holder({one.scoring_id: (FIRST_US, 1) for one in entries})
    assert await findings(spool, holder, window_records=2) == []


async def test_what_a_sink_was_not_owed_before_it_started_is_not_missing(spool: Path, append: Append) -> None:
    append(*(entry() for _ in range(5)))
    cursors = Cursors(spool)
    cursors.register({"a": Registration(RecordFilter(), "now")})
    append(last := entry(scored_at_us=FIRST_US + 1))
    cursors.advance(LANE, cursor=6, delivered=1, dead=[])
    cursors.close()
    assert await findings(spool, Holder({last.scoring_id: (FIRST_US + 1, 1)})) == []


async def test_what_is_pending_may_be_held_already_and_what_was_never_owed_may_not(spool: Path, append: Append) -> None:
    cursors = Cursors(spool)
    cursors.register({"a": Registration(RecordFilter(origins=frozenset({"application"})), "beginning")})
    pending, monitored = entry(), entry(origin="monitor")
    append(pending, monitored)
    cursors.close()
    holder = Holder({one.scoring_id: (FIRST_US, 1) for one in (pending, monitored)})
    assert await findings(spool, holder) == [Finding("a", "surplus", "credit", monitored.scoring_id)]


async def test_what_retention_has_deleted_is_no_surplus(spool: Path, append: Append) -> None:
    holds = delivered(spool, append, 20)
    clock = FIRST_US / 1e6 + 100
    retention = Retention(spool, max_bytes=10**9, retain_seconds=90, clock=lambda: clock)
    assert retention.sweep().expired == 10
    retention.close()
    assert await findings(spool, Holder(holds)) == []


async def test_a_sink_that_cannot_be_asked_is_named(spool: Path, append: Append) -> None:
    audit = Audit(spool, {"a": Holder(delivered(spool, append, 1), down=True)})
    assert [finding async for finding in audit.run()] == []
    assert audit.sinks["a"].problem == "It is down."


async def test_an_audit_ends_while_calls_go_on(spool: Path, append: Append) -> None:
    class Busy(Holder):
        async def held(
            self, deployment_id: str, *, start: datetime, end: datetime, deadline: float
        ) -> AsyncIterator[Held]:
            append(entry(scored_at_us=time.time_ns() // 1000))
            async for found in super().held(deployment_id, start=start, end=end, deadline=deadline):
                yield found

    holder = Busy(delivered(spool, append, 1))
    assert await findings(spool, holder) == []
    assert len(holder.asked) == 1
