import gzip
import io
import sys
from datetime import UTC, datetime

import pytest
from msgspec import Raw
from msgspec.structs import replace
from pyarrow import parquet

from adapters.sinks.object_store.encoding import encoding_of
from adapters.sinks.object_store.settings import Format
from adapters.testing.conformance.records import batch_of, payload_record
from schemas.errors import MissingExtraError
from schemas.payload import NULL

COLUMNS = [
    "scoring_id",
    "transaction_id",
    "engine",
    "origin",
    "caller",
    "scoring_timestamp",
    "response_time",
    "status",
    "outcome",
    "caller_gone",
    "rows",
    "request",
    "response",
]


def test_json_lines_are_the_records_own() -> None:
    records = batch_of([payload_record(), payload_record()], "p").records
    lines = encoding_of("jsonl").encode(records)
    assert lines.splitlines() == [item.line for item in records]
    assert lines.endswith(b"\n")
    assert gzip.decompress(encoding_of("jsonl.gz").encode(records)) == lines


@pytest.mark.parametrize("name", ["jsonl", "jsonl.gz", "parquet"])
def test_the_same_records_are_the_same_bytes(name: Format) -> None:
    records = batch_of([payload_record(), payload_record()], "p").records
    encode = encoding_of(name).encode
    assert encode(records) == encode(records)


def test_a_row_of_parquet_is_a_record_with_request_and_response_as_their_json_text() -> None:
    record = payload_record(2, meta=True)
    table = parquet.read_table(io.BytesIO(encoding_of("parquet").encode(batch_of([record], "p").records)))
    (row,) = table.to_pylist()
    assert list(row) == COLUMNS
    assert row["scoring_id"] == record.scoring_id
    assert row["scoring_timestamp"] == datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)
    assert row["request"].encode() == bytes(record.request)
    assert row["response"].encode() == bytes(record.response)
    assert (row["response_time"], row["status"], row["rows"], row["caller_gone"]) == (42, 200, 2, False)


def test_the_schema_is_the_same_when_nothing_is_known() -> None:
    full = payload_record()
    bare = replace(full, transaction_id=None, caller=None, response_time=None, response=NULL, outcome="engine_timeout")
    tables = [
        parquet.read_table(io.BytesIO(encoding_of("parquet").encode(batch_of([record], "p").records)))
        for record in (full, bare)
    ]
    assert tables[0].schema == tables[1].schema
    (row,) = tables[1].to_pylist()
    assert [name for name in COLUMNS if row[name] is None] == ["transaction_id", "caller", "response_time", "response"]


def test_any_text_that_json_can_hold_survives() -> None:
    text = '{"fields":["\\u0000","\\ud83d\\ude00","é"],"values":[["\\"",1e300,-0.0]]}'
    record = replace(payload_record(), request=Raw(text.encode()))
    table = parquet.read_table(io.BytesIO(encoding_of("parquet").encode(batch_of([record], "p").records)))
    assert table.to_pylist()[0]["request"] == text


def test_without_pyarrow_the_message_says_what_to_install_and_json_lines_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"openscale-gateway\[object_store\]"):
        encoding_of("parquet")
    assert encoding_of("jsonl").suffix == "jsonl"
