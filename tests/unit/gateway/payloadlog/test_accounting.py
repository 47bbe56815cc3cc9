from collections.abc import Callable
from pathlib import Path

from adapters.base.sink import RecordFilter
from gateway.payloadlog.accounting import SinkAccount, passes
from gateway.payloadlog.cursors import Cursors, DeadLetter, LaneKey, Registration
from gateway.payloadlog.database import connect
from gateway.payloadlog.reading import SpoolReader
from tests.fakes.payload_records import FIRST_US, entry

Append = Callable[..., None]


def accounts(spool: Path) -> dict[str, SinkAccount]:
    return {account.sink: account for account in SpoolReader(spool).accounts()}


def test_every_figure_of_a_sink_is_told(spool: Path, append: Append) -> None:
    cursors = Cursors(spool)
    only = RecordFilter(outcomes=frozenset({"scored"}))
    cursors.register({"a": Registration(RecordFilter(), "beginning"), "b": Registration(only, "beginning")})
    append(*(entry(scored_at_us=FIRST_US + n, outcome="engine_error" if n == 4 else "scored") for n in range(5)))
    cursors.advance(LaneKey("a", 1, "credit"), cursor=3, delivered=2, dead=[DeadLetter(2, "x", "refused")])
    cursors.close()
    one, two = accounts(spool)["a"], accounts(spool)["b"]
    assert (one.accepted, one.delivered, one.pending, one.dead, one.dropped) == (5, 2, 2, 1, {})
    assert (two.accepted, two.delivered, two.pending, two.dead, two.dropped) == (4, 0, 4, 0, {})
    assert (one.oldest_pending_at_us, two.oldest_pending_at_us) == (FIRST_US + 3, FIRST_US)
    assert one.balances
    assert two.balances


def test_books_notice_a_record_that_vanished(spool: Path, append: Append) -> None:
    cursors = Cursors(spool)
    cursors.register({"a": Registration(RecordFilter(), "beginning")})
    cursors.close()
    append(entry(), entry())
    connection = connect(spool)
    connection.execute("DELETE FROM record WHERE seq = 1")
    connection.close()
    assert not accounts(spool)["a"].balances


def test_filter_takes_what_all_its_parts_take() -> None:
    wanted = RecordFilter(deployments=frozenset({"a"}), origins=frozenset({"application"}))
    assert passes(wanted, "a", "engine_error", "application")
    assert not passes(wanted, "b", "scored", "application")
    assert not passes(wanted, "a", "scored", "monitor")
    assert not passes(RecordFilter(outcomes=frozenset()), "a", "scored", "application")
