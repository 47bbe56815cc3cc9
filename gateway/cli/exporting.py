"""`payloads export`: records as JSON lines, CSV or Parquet, in constant memory."""

import csv
import io
from collections.abc import Callable, Iterable
from typing import BinaryIO, Literal, get_args

from gateway.cli.exported_rows import ExportedRow, exported_rows
from gateway.cli.parquet_file import ParquetFile

ExportFormat = Literal["jsonl", "csv", "parquet"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)


def export_records(kind: ExportFormat, lines: Iterable[bytes], file: BinaryIO) -> None:
    """Write records.

    Args:
        kind: jsonl: a record a line, as it is stored; csv, parquet: a scored row a row.
        lines: records as JSON.
        file: is left open.

    Raises:
        MissingExtraError: Parquet needs a package that is not installed.
        OSError: the file can't be written.
    """
    _WRITERS[kind](lines, file)


def _write_jsonl(lines: Iterable[bytes], file: BinaryIO) -> None:
    file.writelines(line + b"\n" for line in lines)


def _write_csv(lines: Iterable[bytes], file: BinaryIO) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(ExportedRow._fields)
    for line in lines:
        writer.writerows(exported_rows(line))
        _move(text, file)
    _move(text, file)


def _move(text: io.StringIO, file: BinaryIO) -> None:
    file.write(text.getvalue().encode())
    text.seek(0)
    text.truncate()


def _write_parquet(lines: Iterable[bytes], file: BinaryIO) -> None:
    with ParquetFile(file) as rows:
        for line in lines:
            rows.add(exported_rows(line))


_WRITERS: dict[ExportFormat, Callable[[Iterable[bytes], BinaryIO], None]] = {
    "jsonl": _write_jsonl,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
