"""Reading the rows that `score` sends: a CSV file with a header, or JSON in fields/values form or as objects."""

import csv
import io
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec

from gateway.cli.errors import CommandError
from schemas.errors import GatewayError
from schemas.scoring import RequestMeta, ScoringRequest, parse_scoring_request

# Whatever is written otherwise is a text: 007, 1_000, a number of more digits than any column of numbers has.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,39})")
_FRACTION = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)")

Batch = dict[str, Any]
"""The body of a scoring request."""


class RowsFile(Protocol):
    """An opened file of n rows."""

    @property
    def share_read(self) -> float:
        """How much of the file has been handed out, from 0 to 1."""
        ...

    def batches(self, n_rows: int) -> Iterator[Batch]:
        """Yield scoring requests of at most this many rows; one without rows for a file that has none.

        Raises:
            CommandError: the file can't be read on.
        """
        ...


@contextmanager
def open_rows(path: Path) -> Iterator[RowsFile]:
    """Open a file by its ending, `.json` or anything else for CSV. CSV is read piece by piece.

    Raises:
        CommandError: it can't be read, or is neither.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error
    with file:
        yield _JsonRows(path, file.read()) if path.suffix.lower() == ".json" else _CsvRows(path, file)


class _CsvRows:
    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._size = max(path.stat().st_size, 1)
        self._reader = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""))

    @property
    def share_read(self) -> float:
        return self._file.tell() / self._size

    def batches(self, n_rows: int) -> Iterator[Batch]:
        rows = self._rows()
        fields = next(rows, None)
        if fields is None:
            raise CommandError(f"{self._path}: the file is empty: it needs a line with the names of the columns.")
        values = self._values(rows, len(fields))
        batch = list(islice(values, n_rows))
        yield {"fields": fields, "values": batch}
        while batch := list(islice(values, n_rows)):
            yield {"fields": fields, "values": batch}

    def _rows(self) -> Iterator[list[str]]:
        try:
            # csv yields an empty row for an empty line.
            yield from (row for row in self._reader if row)
        except UnicodeDecodeError as error:
            raise CommandError(f"{self._path}: not UTF-8, somewhere behind line {self._reader.line_num}.") from error
        except csv.Error as error:
            raise CommandError(f"{self._path}: line {self._reader.line_num}: {error}.") from error

    def _values(self, rows: Iterator[list[str]], width: int) -> Iterator[list[Any]]:
        for row in rows:
            if len(row) != width:
                raise CommandError(
                    f"{self._path}: line {self._reader.line_num} has {len(row)} cells, the header {width}."
                )
            yield [_cell(text) for text in row]


class _JsonRows:
    def __init__(self, path: Path, content: bytes) -> None:
        self._request = _request(path, content)
        self._handed_out = 0

    @property
    def share_read(self) -> float:
        return self._handed_out / max(len(self._request.values), 1)

    def batches(self, n_rows: int) -> Iterator[Batch]:
        for start in range(0, max(len(self._request.values), 1), n_rows):
            rows = slice(start, start + n_rows)
            self._handed_out = min(start + n_rows, len(self._request.values))
            yield self._batch(rows)

    def _batch(self, rows: slice) -> Batch:
        batch: Batch = {"values": self._request.values[rows]}
        if self._request.fields is not None:
            batch["fields"] = self._request.fields
        meta = self._request.meta
        if meta is not None:
            batch["meta"] = RequestMeta(meta.fields, meta.values[rows])
        return batch


def _request(path: Path, content: bytes) -> ScoringRequest:
    try:
        rows = msgspec.json.decode(content, type=list[dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _parsed(path, content)
    fields = list(dict.fromkeys(name for row in rows for name in row))
    return ScoringRequest([[row.get(name) for name in fields] for row in rows], fields or None)


def _parsed(path: Path, content: bytes) -> ScoringRequest:
    try:
        return parse_scoring_request(content).request
    except GatewayError as error:
        raise CommandError(
            f"{path}: neither a list of objects nor a scoring request. {error.message}", target=error.target
        ) from error


def _cell(text: str) -> Any:
    if text == "":
        return None
    if _INTEGER.fullmatch(text):
        return -0.0 if text == "-0" else int(text)
    number = float(text) if _FRACTION.fullmatch(text) else math.nan
    return number if math.isfinite(number) else text
