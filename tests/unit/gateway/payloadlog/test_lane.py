from adapters.base.sink import Batch
from gateway.payloadlog.cursors import DeadLetter, LaneRow
from gateway.payloadlog.lane import cut_batch
from schemas.payload import PayloadRecord
from tests.fakes.payload_records import entry
from tests.fakes.sinks import FakeSink


def rows(n: int) -> list[LaneRow]:
    entries = [entry() for _ in range(n)]
    return [LaneRow(seq, one.scoring_id, one.line) for seq, one in enumerate(entries, 1)]


def test_batch_ends_where_the_partition_changes() -> None:
    found = rows(5)
    day = {row.scoring_id: str(row.seq // 3) for row in found}
    cut = cut_batch("credit", found, FakeSink(partition=lambda record: day[record.scoring_id]))
    assert isinstance(cut, Batch)
    assert (cut.partition, [one.seq for one in cut.records]) == ("0", [1, 2])
    assert [one.line for one in cut.records] == [row.line for row in found[:2]]


def test_record_that_cannot_be_read_ends_a_batch_and_is_a_dead_letter_when_its_turn_comes() -> None:
    first, broken, last = rows(3)
    broken = LaneRow(broken.seq, broken.scoring_id, b"{")
    cut = cut_batch("credit", [first, broken, last], FakeSink())
    assert isinstance(cut, Batch)
    assert [one.seq for one in cut.records] == [1]
    assert cut_batch("credit", [broken, last], FakeSink()) == DeadLetter(
        2, broken.scoring_id, "The record in the spool can't be read."
    )


def test_record_that_breaks_the_partition_is_a_dead_letter() -> None:
    def partition(_: PayloadRecord) -> str:
        raise KeyError("a value")

    [row] = rows(1)
    cut = cut_batch("credit", [row], FakeSink(partition=partition))
    assert isinstance(cut, DeadLetter)
    assert "KeyError" in cut.reason
    assert "a value" not in cut.reason
