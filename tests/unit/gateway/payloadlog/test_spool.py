import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import apsw
import pytest
from structlog.testing import capture_logs

from gateway.payloadlog.database import connect, mark_suspect, suspect_marker
from gateway.payloadlog.leader import LeaderLock
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.spool import Spool
from schemas.errors import PayloadLogError, SpoolUnavailableError
from tests.fakes.payload_records import entry

Append = Callable[..., None]


def test_new_spool_is_synced_at_every_commit_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path / "payloads.db", max_bytes=10**9)
    connection = connect(spool.path)
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    connection.close()
    assert stat.S_IMODE(spool.path.stat().st_mode) == 0o600
    assert spool.recovery is None


def test_opening_again_keeps_everything(spool: Path, append: Append) -> None:
    append(entry(), entry())
    opened = Spool.open(spool, max_bytes=10**9)
    assert opened.recovery is None
    opened.close()
    assert not spool.with_name("payloads.db-wal").exists()
    assert SpoolReader(spool).depth().records == 2


def test_positions_are_never_used_twice(spool: Path, append: Append) -> None:
    append(entry(), entry())
    connection = connect(spool)
    connection.execute("DELETE FROM record")
    connection.close()
    Spool.open(spool, max_bytes=10**9).close()
    append(entry())
    assert [record.seq for record in SpoolReader(spool).records()] == [3]


def test_somebody_elses_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(PayloadLogError, match="something else"):
        Spool.open(path, max_bytes=10**9)
    assert path.read_bytes() == before


def test_spool_of_another_format_is_refused(spool: Path) -> None:
    connection = connect(spool)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(PayloadLogError, match="format 99"):
        Spool.open(spool, max_bytes=10**9)


def test_spool_of_a_later_release_is_left_alone_whatever_tables_it_has(spool: Path, append: Append) -> None:
    append(entry(), entry())
    connection = connect(spool)
    connection.execute("DROP TABLE requeued")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(PayloadLogError, match="format 2"):
        Spool.open(spool, max_bytes=10**9)
    assert SpoolReader(spool).last_seq() == 2
    assert not list(spool.parent.glob("*damaged*"))


def test_damaged_spool_is_not_moved_away_from_a_gateway_that_uses_it(spool: Path) -> None:
    connection = connect(spool)
    connection.execute("DROP TABLE requeued")
    connection.close()
    with LeaderLock(spool) as lock:
        assert lock.try_acquire()
        with pytest.raises(PayloadLogError, match="another gateway is using it"):
            Spool.open(spool, max_bytes=10**9)
        assert not list(spool.parent.glob("*damaged*"))
    recovery = Spool.open(spool, max_bytes=10**9).recovery
    assert recovery is not None
    assert recovery.damaged.exists()


def test_gateways_that_start_at_once_share_a_new_spool(tmp_path: Path) -> None:
    path, n = tmp_path / "payloads.db", 8
    together = Barrier(n)

    def open_spool(_: int) -> object:
        together.wait()
        return Spool.open(path, max_bytes=10**9).recovery

    with ThreadPoolExecutor(n) as threads:
        assert list(threads.map(open_spool, range(n))) == [None] * n
    assert SpoolReader(path).depth().records == 0


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpoolUnavailableError, match="folder"):
        Spool.open(tmp_path / "none" / "payloads.db", max_bytes=10**9)


def test_suspect_file_that_is_sound_is_left_as_it_is_and_said_to_be(spool: Path, append: Append) -> None:
    append(entry())
    mark_suspect(spool)
    with capture_logs() as log:
        assert Spool.open(spool, max_bytes=10**9).recovery is None
    assert [line["event"] for line in log] == ["spool found sound"]
    assert not suspect_marker(spool).exists()
    assert SpoolReader(spool).depth().records == 1
