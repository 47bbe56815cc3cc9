from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from gateway.payloadlog.appending import Appender
from gateway.payloadlog.database import connect, wal_bytes
from gateway.payloadlog.reading import PAGE_RECORDS, REACH_RECORDS, SpoolReader
from schemas.errors import SpoolUnavailableError
from tests.fakes.payload_records import FIRST_US, entry

Append = Callable[..., None]


def seqs(path: Path, **wanted: object) -> list[int]:
    return [record.seq for record in SpoolReader(path).records(**wanted)]  # type: ignore[arg-type]


def test_filters_by_deployment_and_time_and_pages_by_position(spool: Path, append: Append) -> None:
    append(*(entry("ab"[n % 2], scored_at_us=FIRST_US + n) for n in range(10)))
    assert seqs(spool) == list(range(1, 11))
    assert seqs(spool, deployment_id="b") == [2, 4, 6, 8, 10]
    assert seqs(spool, start_us=FIRST_US + 3, end_us=FIRST_US + 6) == [4, 5, 6]
    assert seqs(spool, deployment_id="b", start_us=FIRST_US + 3, end_us=FIRST_US + 6) == [4, 6]
    assert seqs(spool, after=7, limit=2) == [8, 9]
    assert seqs(spool, deployment_id="nobody") == []
    assert seqs(spool, start_us=FIRST_US + 100) == []
    assert seqs(spool, limit=0) == []


def test_clock_that_stepped_back_hides_no_record(spool: Path, append: Append) -> None:
    append(*(entry(scored_at_us=FIRST_US + offset) for offset in (50, 60, 10, 55)))
    assert seqs(spool, start_us=FIRST_US + 50) == [1, 2, 4]
    assert seqs(spool, end_us=FIRST_US + 50) == [3]


def test_page_of_a_time_reads_little_more_than_itself_wherever_it_lies(
    spool: Path, append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(*(entry("ab"[n % 2]) for n in range(2)))
    n = 60_000
    connection = connect(spool)
    connection.execute(
        "INSERT INTO record (deployment, stream, scored_at, scoring_id, line)"
        " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " SELECT 1 + i % 2, 1 + i % 2, ? + i, printf('%032x', i), zeroblob(20) FROM n",
        (n, FIRST_US),
    )
    connection.close()
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 100
        return False

    monkeypatch.setattr(
        apsw, "connection_hooks", [*apsw.connection_hooks, lambda opened: opened.set_progress_handler(count, 100)]
    )
    times = {"start_us": FIRST_US + n // 10, "end_us": FIRST_US + n}
    for deployment_id, step in ((None, 1), ("b", 2)):
        page = seqs(spool, deployment_id=deployment_id, after=n // 2, limit=100, **times)
        assert page == list(range(page[0], page[0] + 100 * step, step))
    assert 0 < steps < 25_000


@pytest.mark.parametrize("deployment_id", [None, "a", "b"])
@pytest.mark.parametrize("limit", [97, None])
def test_pages_of_a_time_are_whole_across_stretches_of_other_times(
    spool: Path, append: Append, deployment_id: str | None, limit: int | None
) -> None:
    stretches = (REACH_RECORDS + 50, 20, REACH_RECORDS * 2, 300, 5, REACH_RECORDS + 1)
    offsets = [n % 2 * 100 for n, length in enumerate(stretches) for _ in range(length)]
    append(*(entry("aab"[n % 3], scored_at_us=FIRST_US + offset) for n, offset in enumerate(offsets)))
    wanted = [
        n + 1 for n, offset in enumerate(offsets) if offset and ("aab"[n % 3] == deployment_id or not deployment_id)
    ]
    for times in ({"start_us": FIRST_US + 1}, {"start_us": FIRST_US + 1, "end_us": FIRST_US + 101}):
        read: list[int] = []
        while page := seqs(spool, deployment_id=deployment_id, limit=limit, after=read[-1] if read else 0, **times):
            read += page
        assert read == wanted


def test_more_records_than_a_page_come_in_order(spool: Path, append: Append) -> None:
    n = PAGE_RECORDS * 2 + 3
    append(*(entry() for _ in range(n)))
    assert seqs(spool) == list(range(1, n + 1))
    assert len(seqs(spool, limit=PAGE_RECORDS + 1)) == PAGE_RECORDS + 1


def test_slow_reader_sees_records_that_arrive_meanwhile(spool: Path, append: Append) -> None:
    append(*(entry() for _ in range(PAGE_RECORDS)))
    records = SpoolReader(spool).records()
    next(records)
    append(entry())
    assert sum(1 for _ in records) == PAGE_RECORDS


def test_slow_reader_keeps_the_wal_from_nothing(spool: Path, append: Append) -> None:
    append(*(entry(filler=5000) for _ in range(PAGE_RECORDS + 2)))
    reading = SpoolReader(spool).records()
    first = next(reading)
    connection = connect(spool)
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    connection.close()
    assert wal_bytes(spool) == 0
    assert first.seq + sum(1 for _ in reading) == PAGE_RECORDS + 2


def test_pages_read_while_several_processes_append_have_no_gap_and_no_repeat(spool: Path) -> None:
    # Ids are minted when calls begin; records are committed when they end, in another order.
    ids = [[f"{n:032x}" for n in range(first, 240, 3)] for first in range(3)]

    def append_all(scoring_ids: list[str]) -> None:
        appender = Appender(spool)
        for scoring_id in reversed(scoring_ids):
            appender.append([entry(scoring_id=scoring_id)])
        appender.close()

    reader, read, after = SpoolReader(spool), list[str](), 0
    with ThreadPoolExecutor(3) as threads:
        appending = [threads.submit(append_all, part) for part in ids]
        while True:
            over = all(part.done() for part in appending)
            page = list(reader.records(after=after, limit=7))
            read += [record.scoring_id for record in page]
            if page:
                after = page[-1].seq
            elif over:
                break
    assert len(read) == 240
    assert sorted(read) == sorted(scoring_id for part in ids for scoring_id in part)
    assert read == [record.scoring_id for record in reader.records()]


def test_depth_counts_records_and_bytes(spool: Path, append: Append) -> None:
    append(entry(), entry("other"))
    depth = SpoolReader(spool).depth()
    assert depth.records == 2
    assert depth.bytes > 0
    assert SpoolReader(spool).stats().depth == depth
    assert SpoolReader(spool).last_seq() == 2


def test_missing_spool_is_an_error_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(SpoolUnavailableError, match="can't be opened"):
        SpoolReader(tmp_path / "none.db").accounts()
