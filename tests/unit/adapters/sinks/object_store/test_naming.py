from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from adapters.base import BatchRecord
from adapters.sinks.object_store.naming import name_of, not_stored, partition_of
from adapters.testing.conformance.records import batch_of, payload_record

PARTITION = "deployment_id=credit-risk/date=2026-11-21"
RECORDS = batch_of([payload_record(scoring_id=f"{n:032x}") for n in range(30)], PARTITION).records


class Bucket:
    """Names of objects, and what a sink that always looks makes of batches."""

    def __init__(self) -> None:
        self.objects: dict[str, Sequence[BatchRecord]] = {}

    def names(self, beginning: str) -> list[str]:
        return [name for name in self.objects if name.startswith(beginning)]

    def put(self, batch: Sequence[BatchRecord]) -> None:
        records = not_stored(batch, PARTITION, self.names)
        if records:
            name = name_of(PARTITION, records, "parquet")
            assert name not in self.objects
            self.objects[name] = records

    def seqs(self) -> list[int]:
        return sorted(item.seq for records in self.objects.values() for item in records)


def test_a_record_lies_below_its_deployment_and_the_day_of_its_call() -> None:
    assert partition_of(payload_record()) == PARTITION


def test_an_object_is_named_for_its_first_and_last_record_and_their_number() -> None:
    assert name_of(PARTITION, RECORDS[:3], "jsonl.gz") == f"{PARTITION}/{0:032x}-{2:032x}-3.jsonl.gz"


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 10)), max_size=20))
def test_a_cursor_that_moves_only_past_what_is_stored_leaves_each_record_in_one_object(
    attempts: list[tuple[bool, int]],
) -> None:
    """An acknowledgement that gets lost leaves the cursor where it was; the next batch has grown meanwhile."""
    bucket, cursor, least = Bucket(), 0, 0
    for acknowledged, size in [*attempts, (True, len(RECORDS))]:
        end = min(max(cursor + size, least), len(RECORDS))
        bucket.put(RECORDS[cursor:end])
        least = end
        if acknowledged:
            cursor = end
    assert bucket.seqs() == [item.seq for item in RECORDS]


def test_a_smaller_cut_is_stored_again_rather_than_believed_stored() -> None:
    bucket = Bucket()
    bucket.put(RECORDS[:10])
    bucket.put(RECORDS[:5])
    assert len(bucket.objects) == 2


def test_an_object_that_holds_other_records_between_the_same_ends_is_not_taken_for_the_batch() -> None:
    bucket = Bucket()
    bucket.put([RECORDS[0], RECORDS[4]])
    bucket.put(RECORDS[:5])
    assert [len(records) for records in bucket.objects.values()] == [2, 5]


def test_names_that_are_not_ours_are_nobodys() -> None:
    first = f"{PARTITION}/{0:032x}-"
    strangers = [first, f"{first}x", f"{first}{2:032x}-x.parquet", f"{first}{2:032x}-0.parquet", f"{first}-99.parquet"]
    assert not_stored(RECORDS, PARTITION, lambda _: strangers) == RECORDS
