"""Names of objects. Pure.

An object is named for its first and last record and their number, so that the same batch is the same object, and
nobody ever writes something else under its name. Who repeats a batch in another cut can tell from the names what is
stored already: a repeat always begins with the same record, since a cursor only moves past what is stored.
"""

from collections.abc import Callable, Iterable, Sequence

from adapters.base import BatchRecord
from schemas.payload import PayloadRecord


def partition_of(record: PayloadRecord) -> str:
    """Return the folder of a record's object: its deployment, and the day (UTC) on which the call began."""
    return f"deployment_id={record.deployment_id}/date={record.scoring_timestamp[:10]}"


def name_of(partition: str, records: Sequence[BatchRecord], suffix: str) -> str:
    """Return the name of the object that holds these records; at least one."""
    last = records[-1].record.scoring_id
    return f"{beginning(partition, records[0])}{last}-{len(records)}.{suffix}"


def beginning(partition: str, first: BatchRecord) -> str:
    """Return how the name of every object begins that holds this record as its first."""
    return f"{partition}/{first.record.scoring_id}-"


def not_stored(
    records: Sequence[BatchRecord], partition: str, names: Callable[[str], Iterable[str]]
) -> Sequence[BatchRecord]:
    """Return the records that are not in objects of earlier attempts at this batch.

    Args:
        records: of the batch, in order.
        partition: of the batch.
        names: returns the names that begin so.
    """
    while records:
        begins = beginning(partition, records[0])
        stored = max((_stored(records, name.removeprefix(begins)) for name in names(begins)), default=0)
        if not stored:
            break
        records = records[stored:]
    return records


def _stored(records: Sequence[BatchRecord], ending: str) -> int:
    """Return how many of the records an object holds whose name ends so; 0 where they aren't its records."""
    last, _, number = ending.partition(".")[0].rpartition("-")
    n_records = int(number) if number.isascii() and number.isdecimal() else 0
    if not 0 < n_records <= len(records) or records[n_records - 1].record.scoring_id != last:
        return 0
    return n_records
