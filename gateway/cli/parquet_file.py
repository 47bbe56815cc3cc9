"""Writing exported rows as Parquet, one row group after another."""

from collections.abc import Iterable
from datetime import datetime
from importlib import import_module
from types import TracebackType
from typing import Any, BinaryIO, Self

from gateway.cli.exported_rows import ExportedRow
from schemas.errors import MissingExtraError

# A row group is held in memory until it is full.
GROUP_ROWS = 5_000
GROUP_BYTES = 16_000_000


class ParquetFile:
    """A Parquet file being written, from entering to leaving. Its schema is the same for all records.

    Args:
        file: to write to; left open.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """

    def __init__(self, file: BinaryIO) -> None:
        try:
            self._arrow: Any = import_module("pyarrow")
            parquet: Any = import_module("pyarrow.parquet")
        except ImportError as error:
            raise MissingExtraError(needed_by="--format parquet", package="pyarrow", extra="parquet") from error
        self._schema = _schema(self._arrow)
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")
        self._rows: list[ExportedRow] = []
        self._n_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._write_group()
        self._writer.close()

    def add(self, rows: Iterable[ExportedRow]) -> None:
        """Add rows; a full group is written."""
        for row in rows:
            self._rows.append(row)
            self._n_bytes += len(row.request) + len(row.meta or "") + len(row.response or "")
            if len(self._rows) >= GROUP_ROWS or self._n_bytes >= GROUP_BYTES:
                self._write_group()

    def _write_group(self) -> None:
        if not self._rows:
            return
        columns = [list(column) for column in zip(*self._rows, strict=True)]
        at = ExportedRow._fields.index("scoring_timestamp")
        columns[at] = [datetime.fromisoformat(text) for text in columns[at]]
        arrays = [self._arrow.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._rows.clear()
        self._n_bytes = 0


def _schema(arrow: Any) -> Any:
    types = {
        "scoring_timestamp": arrow.timestamp("us", tz="UTC"),
        "response_time": arrow.int64(),
        "status": arrow.int32(),
        "caller_gone": arrow.bool_(),
    }
    may_be_null = {"transaction_id", "caller", "response_time", "meta", "response"}
    return arrow.schema(
        [
            arrow.field(name, types.get(name, arrow.string()), nullable=name in may_be_null)
            for name in ExportedRow._fields
        ]
    )
