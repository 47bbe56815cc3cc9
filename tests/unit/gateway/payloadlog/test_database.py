import errno
from pathlib import Path

import apsw
import pytest

from gateway.payloadlog.database import (
    check_library,
    connect,
    explain,
    query,
    snapshot,
    spool_errors,
    suspect_marker,
    transaction,
)
from schemas.errors import SpoolUnavailableError

PATH = Path("payloads.db")


def test_installed_library_is_new_enough() -> None:
    check_library()


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (apsw.FullError("x"), "free some room"),
        (apsw.BusyError("x"), "locked by another process"),
        (apsw.ReadOnlyError("x"), "permissions"),
        (apsw.CorruptError("x"), "keeps what can be read"),
        (apsw.CantOpenError("x"), "folder"),
        (apsw.IOError("x"), "check its disk"),
        (OSError("x"), "check its disk"),
        (OSError(errno.EROFS, "x"), "permissions"),
        (OSError(errno.ENOSPC, "x"), "free some room"),
        (OSError(errno.EDQUOT, "x"), "free some room"),
    ],
)
def test_each_failure_says_what_to_do(error: Exception, advice: str) -> None:
    message = explain(error, PATH)
    assert advice in message
    assert "payloads.db" in message


def test_damage_leaves_a_mark_for_the_next_start(spool: Path) -> None:
    with pytest.raises(SpoolUnavailableError), spool_errors(spool):
        raise apsw.CorruptError("bad page")
    assert suspect_marker(spool).exists()


def test_failed_transaction_leaves_nothing(spool: Path) -> None:
    connection = connect(spool)
    with pytest.raises(apsw.SQLError), transaction(connection):
        connection.execute("INSERT INTO note VALUES ('a', 1); INSERT INTO nothing VALUES (1)")
    assert query(connection, "SELECT * FROM note") == []
    connection.close()


def test_snapshot_sees_one_moment(spool: Path) -> None:
    reader, writer = connect(spool), connect(spool)
    with snapshot(reader):
        assert query(reader, "SELECT * FROM note") == []
        writer.execute("INSERT INTO note VALUES ('a', 1)")
        assert query(reader, "SELECT * FROM note") == []
    assert query(reader, "SELECT * FROM note") == [("a", 1)]
    reader.close()
    writer.close()
