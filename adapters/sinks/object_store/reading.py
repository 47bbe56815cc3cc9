"""What an object holds, whatever `format` says by now. Pure."""

import gzip
import io
import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from zlib import error as ZlibError  # noqa: N812 - named like the exceptions beside it

import msgspec

from adapters.base.holdings import Holding, holding_of
from schemas.errors import SinkUnavailableError

# What `naming.name_of` gives, and nothing that others may have put beside it.
_OURS = re.compile(r"/[^/.-][^/-]*-[^/-]+-[0-9]+\.(?P<format>parquet|jsonl|jsonl\.gz)$")
_COLUMNS = ["scoring_id", "scoring_timestamp", "rows"]


def folders(deployment_id: str, first: date, last: date) -> Iterator[str]:
    """Yield the folders of a deployment's calls of these days (UTC), as `naming.partition_of` names them."""
    for day in range((last - first).days + 1):
        yield f"deployment_id={deployment_id}/date={first + timedelta(days=day)}"


def is_ours(name: str) -> bool:
    """Whether an object has the name of one that the sink has written."""
    return _OURS.search(name) is not None


def holdings_of(name: str, body: bytes, deployment_id: str) -> Sequence[Holding]:
    """Return the records of an object that the sink has written.

    Raises:
        SinkUnavailableError: it can't be read; it is named, so that somebody can look at it.
    """
    found = _OURS.search(name)
    if found is None:
        return ()
    try:
        match found["format"]:
            case "parquet":
                return list(_of_parquet(body, deployment_id))
            case "jsonl":
                return [holding_of(line) for line in body.splitlines()]
            case _:
                return _of_gzip(body)
    except (msgspec.MsgspecError, OSError, EOFError, ZlibError, ValueError, KeyError) as error:
        raise SinkUnavailableError(
            f"The object {name} can't be read ({type(error).__name__}): compare it with a copy, or move it away and "
            "replay its records.",
            target="url",
        ) from None


def _of_gzip(body: bytes) -> Sequence[Holding]:
    with gzip.open(io.BytesIO(body)) as lines:
        return [holding_of(line) for line in lines]


def _of_parquet(body: bytes, deployment_id: str) -> Iterator[Holding]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - slow, and optional
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise SinkUnavailableError(
            "Some objects are in Parquet: to read them, pip install 'openscale-gateway[object_store]'."
        ) from None
    for batch in parquet.ParquetFile(io.BytesIO(body)).iter_batches(columns=_COLUMNS):
        # As whole numbers: to make a datetime of each would take longer than all the rest.
        started = batch.column("scoring_timestamp").cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        columns = (batch.column("scoring_id"), started, batch.column("rows"))
        for scoring_id, started_us, rows in zip(*(column.to_pylist() for column in columns), strict=True):
            yield Holding(scoring_id, deployment_id, started_us, rows)
