from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from adapters.base.sink import RecordFilter
from gateway.payloadlog.cursors import Cursors, DeadLetter, LaneKey, Registration
from gateway.payloadlog.database import connect
from gateway.payloadlog.dead_letters import requeue_all
from gateway.payloadlog.deleting import STEP_BYTES, STEP_RECORDS, deletions
from gateway.payloadlog.reading import SpoolReader
from tests.fakes.payload_records import entry

Append = Callable[..., None]
ALL = Registration(RecordFilter(), "beginning")


@pytest.fixture
def connection(spool: Path) -> apsw.Connection:
    return connect(spool)


def just_before_the_write_lock(connection: apsw.Connection, act: Callable[[], object]) -> None:
    def execute(_: apsw.Cursor, sql: str, __: object) -> bool:
        if sql.startswith("BEGIN IMMEDIATE"):
            connection.set_exec_trace(None)
            act()
        return True

    connection.set_exec_trace(execute)


def test_record_that_is_requeued_after_it_was_chosen_stays(
    spool: Path, append: Append, connection: apsw.Connection
) -> None:
    cursors = Cursors(spool)
    cursors.register({"a": ALL})
    append(entry(), entry())
    dead = DeadLetter(1, "0" * 32, "refused")
    cursors.advance(LaneKey("a", 1, "credit"), cursor=2, delivered=1, dead=[dead])
    just_before_the_write_lock(connection, lambda: requeue_all(spool, sink="a"))
    assert list(deletions(connection, age=None, forced=True)) == [1]
    assert [record.seq for record in SpoolReader(spool).records()] == [1]
    (account,) = SpoolReader(spool).accounts()
    assert (account.pending, account.balances) == (1, True)


def test_records_that_become_owed_after_they_were_chosen_stay(
    spool: Path, append: Append, connection: apsw.Connection
) -> None:
    append(entry(), entry())
    just_before_the_write_lock(connection, lambda: Cursors(spool).register({"new": ALL}))
    assert list(deletions(connection, age=None, forced=True)) == [0]
    (account,) = SpoolReader(spool).accounts()
    assert (account.pending, account.balances) == (2, True)


def test_steps_are_small_in_records_and_in_bytes(append: Append, connection: apsw.Connection) -> None:
    append(*(entry() for _ in range(STEP_RECORDS + 1)), *(entry(filler=STEP_BYTES // 2) for _ in range(3)))
    steps = []
    for n in deletions(connection, age=None, forced=False):
        assert not connection.in_transaction
        steps.append(n)
    assert steps == [STEP_RECORDS, 2, 1, 1]
