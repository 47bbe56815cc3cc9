import io
import sys
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from pyarrow import parquet

from gateway.cli.exported_rows import ExportedRow, exported_rows
from gateway.cli.parquet_file import GROUP_BYTES, GROUP_ROWS, ParquetFile
from schemas.errors import MissingExtraError
from tests.fakes.payload_lines import payload_line


def written(*lines: bytes) -> pa.parquet.ParquetFile:
    file = io.BytesIO()
    with ParquetFile(file) as rows:
        for line in lines:
            rows.add(exported_rows(line))
    assert not file.closed
    return parquet.ParquetFile(io.BytesIO(file.getvalue()))


def test_values_and_types_survive() -> None:
    line = payload_line({"fields": ["a"], "values": [["x"]]}, {"fields": ["p"], "values": [[1]]})
    table = written(line).read()
    (row,) = table.to_pylist()
    assert ExportedRow(**row)._replace(scoring_timestamp="") == next(exported_rows(line))._replace(scoring_timestamp="")
    assert row["scoring_timestamp"] == datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
    types = {field.name: str(field.type) for field in table.schema}
    assert types["scoring_timestamp"] == "timestamp[us, tz=UTC]"
    assert (types["response_time"], types["status"], types["caller_gone"]) == ("int64", "int32", "bool")
    assert {types[name] for name in ("row_id", "request", "meta", "response")} == {"string"}


def test_schema_is_the_same_whatever_the_records_hold() -> None:
    full = payload_line(
        {"fields": ["a"], "values": [[1]], "meta": {"fields": ["m"], "values": [[1]]}},
        {"fields": ["p"], "values": [[1]]},
    )
    bare = payload_line({"values": [[1]]}, outcome="gateway_error")
    assert written(full).schema_arrow == written(bare).schema_arrow == written().schema_arrow


def test_row_groups_hold_some_thousand_rows() -> None:
    line = payload_line({"values": [[n] for n in range(2_500)]})
    file = written(*[line] * 5)
    assert [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)] == [GROUP_ROWS, GROUP_ROWS, 2_500]


def test_row_groups_of_large_rows_hold_fewer() -> None:
    line = payload_line({"values": [["x" * (GROUP_BYTES // 4)]]})
    file = written(*[line] * 6)
    assert [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)] == [4, 2]


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"openscale-gateway\[parquet\]"):
        ParquetFile(io.BytesIO())
