import io
import sys
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from pyarrow import parquet

from adapters.base.holdings import Holding
from adapters.sinks.object_store.encoding import encoding_of
from adapters.sinks.object_store.naming import name_of, partition_of
from adapters.sinks.object_store.reading import folders, holdings_of, is_ours
from adapters.sinks.object_store.settings import Format
from adapters.testing.conformance.records import CANARY, DEPLOYMENT, batch_of, payload_record
from schemas.errors import SinkUnavailableError

RECORDS = [payload_record(2, scoring_id="1" * 32), payload_record(3, scoring_id="2" * 32)]
BATCH = batch_of(RECORDS, partition_of(RECORDS[0]))
MOMENT_US = round(datetime(2026, 11, 21, 10, tzinfo=UTC).timestamp()) * 1_000_000 + 123_456
FORMATS: list[Format] = ["parquet", "jsonl", "jsonl.gz"]


def test_folders_are_those_that_records_of_these_days_are_written_to() -> None:
    found = list(folders(DEPLOYMENT, date(2026, 11, 20), date(2026, 11, 21)))
    assert found == ["deployment_id=credit-risk/date=2026-11-20", partition_of(RECORDS[0])]


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_is_read_back(format_: Format) -> None:
    encoding = encoding_of(format_)
    name = name_of(BATCH.partition, BATCH.records, encoding.suffix)
    assert is_ours(name)
    assert holdings_of(name, encoding.encode(BATCH.records), DEPLOYMENT) == [
        Holding("1" * 32, DEPLOYMENT, MOMENT_US, 2),
        Holding("2" * 32, DEPLOYMENT, MOMENT_US, 3),
    ]


@pytest.mark.parametrize(
    "name", ["p/_SUCCESS", "p/.1.tmp", "p/.1-2-2.jsonl", "p/part-0.parquet", "p/1-2-2.csv", "p/1-2-x.jsonl"]
)
def test_what_others_have_put_there_is_left_alone(name: str) -> None:
    assert not is_ours(name)
    assert holdings_of(name, b"?", DEPLOYMENT) == ()


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("cut", [1, 40])
def test_an_object_that_was_cut_short_is_named(format_: Format, cut: int) -> None:
    encoding = encoding_of(format_)
    name = name_of(BATCH.partition, BATCH.records, encoding.suffix)
    # JSON Lines end with a line break that nobody needs.
    body = encoding.encode(BATCH.records)[: -cut - 1]
    with pytest.raises(SinkUnavailableError) as caught:
        holdings_of(name, body, DEPLOYMENT)
    assert name in caught.value.message
    assert CANARY not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_a_table_with_other_columns_is_named() -> None:
    body = io.BytesIO()
    parquet.write_table(pa.table({"scoring_id": ["a"]}), body)
    with pytest.raises(SinkUnavailableError, match=r"p/1-2-2\.parquet"):
        holdings_of("p/1-2-2.parquet", body.getvalue(), DEPLOYMENT)


def test_without_pyarrow_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SinkUnavailableError, match=r"openscale-gateway\[object_store\]"):
        holdings_of("p/1-2-2.parquet", b"", DEPLOYMENT)
