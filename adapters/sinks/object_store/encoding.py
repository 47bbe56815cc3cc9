"""Records as the bytes of an object."""

import gzip
import io
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Raw, Struct

from adapters.base import BatchRecord
from adapters.sinks.object_store.settings import Format
from schemas.errors import MissingExtraError
from schemas.payload import NULL


class Encoding(Struct, frozen=True):
    """How objects are written.

    Attributes:
        suffix: of their names, without a dot at its beginning.
        content_type: of their bodies.
        encode: from records to a body.
    """

    suffix: str
    content_type: str
    encode: Callable[[Sequence[BatchRecord]], bytes]


def encoding_of(name: Format) -> Encoding:
    """Return a format's encoding; slow the first time, since it loads its library.

    Raises:
        MissingExtraError: its library is not installed.
    """
    match name:
        case "parquet":
            return Encoding("parquet", "application/vnd.apache.parquet", _parquet())
        case "jsonl":
            return Encoding("jsonl", "application/jsonlines", _lines)
        case "jsonl.gz":
            return Encoding("jsonl.gz", "application/gzip", _gzipped_lines)


def _lines(records: Sequence[BatchRecord]) -> bytes:
    return b"".join(item.line + b"\n" for item in records)


def _gzipped_lines(records: Sequence[BatchRecord]) -> bytes:
    # Without the time, so that the same records are the same bytes.
    return gzip.compress(_lines(records), mtime=0)


def _parquet() -> Callable[[Sequence[BatchRecord]], bytes]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - slow, and optional
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError(
            needed_by="Sink type object_store with format parquet", package="pyarrow", extra="object_store"
        ) from error
    # `deployment_id` is not among them: it stands in the path, as readers of Hive partitions expect.
    schema = pa.schema(
        [
            pa.field("scoring_id", pa.string(), nullable=False),
            pa.field("transaction_id", pa.string()),
            pa.field("engine", pa.string(), nullable=False),
            pa.field("origin", pa.string(), nullable=False),
            pa.field("caller", pa.string()),
            pa.field("scoring_timestamp", pa.timestamp("us", tz="UTC"), nullable=False),
            pa.field("response_time", pa.int64()),
            pa.field("status", pa.int32(), nullable=False),
            pa.field("outcome", pa.string(), nullable=False),
            pa.field("caller_gone", pa.bool_(), nullable=False),
            pa.field("rows", pa.int64(), nullable=False),
            pa.field("request", pa.string(), nullable=False),
            pa.field("response", pa.string()),
        ]
    )

    def encode(records: Sequence[BatchRecord]) -> bytes:
        rows = [_row(item, schema.names) for item in records]
        body = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist(rows, schema=schema), body, compression="zstd")
        return body.getvalue()

    return encode


def _row(item: BatchRecord, names: Sequence[str]) -> dict[str, Any]:
    record = item.record
    row: dict[str, Any] = {name: getattr(record, name) for name in names}
    row["scoring_timestamp"] = datetime.fromisoformat(record.scoring_timestamp)
    row["request"] = _text(record.request)
    row["response"] = None if record.response == NULL else _text(record.response)
    return row


def _text(raw: Raw) -> str:
    return str(memoryview(raw), "utf-8")
