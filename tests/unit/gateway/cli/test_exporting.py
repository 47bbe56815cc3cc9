import csv
import io
from collections.abc import Iterator

import pytest
from pyarrow import parquet

from gateway.cli.exported_rows import ExportedRow
from gateway.cli.exporting import export_records
from tests.fakes.payload_lines import payload_line

LINES = [
    payload_line({"fields": ["a"], "values": [["x"], ['say "hi",\n']]}, {"fields": ["p"], "values": [[1], [2]]}),
    payload_line({"fields": ["a"], "values": [[None]]}, outcome="engine_timeout"),
]


def test_json_lines_are_the_records_as_they_are() -> None:
    file = io.BytesIO()
    export_records("jsonl", LINES, file)
    assert file.getvalue().splitlines() == LINES


def test_csv_has_a_line_of_names_and_one_for_each_row() -> None:
    file = io.BytesIO()
    export_records("csv", LINES, file)
    head, *rows = csv.reader(io.StringIO(file.getvalue().decode(), newline=""))
    assert tuple(head) == ExportedRow._fields
    assert [dict(zip(head, row, strict=True))["request"] for row in rows] == [
        '{"a":"x"}',
        '{"a":"say \\"hi\\",\\n"}',
        '{"a":null}',
    ]
    assert not file.closed


def test_parquet_holds_the_same_rows() -> None:
    file = io.BytesIO()
    export_records("parquet", LINES, file)
    table = parquet.read_table(io.BytesIO(file.getvalue()))
    assert table.column_names == list(ExportedRow._fields)
    assert table.column("request").to_pylist()[2] == '{"a":null}'


@pytest.mark.parametrize(("kind", "size"), [("jsonl", 0), ("csv", 1)])
def test_nothing_is_exported_as_nothing(kind: str, size: int) -> None:
    file = io.BytesIO()
    export_records(kind, [], file)  # type: ignore[arg-type]
    assert len(file.getvalue().splitlines()) == size


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_records_are_written_as_they_come(kind: str) -> None:
    file = io.BytesIO()
    sizes: list[int] = []

    def lines() -> Iterator[bytes]:
        for line in LINES * 2:
            sizes.append(len(file.getvalue()))
            yield line

    export_records(kind, lines(), file)  # type: ignore[arg-type]
    assert sizes == sorted(set(sizes))
