"""Reading the rows that `score` sends: a CSV file with a header, or JSON in fields/values form or as objects."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from gateway.cli.gateway_client import CommandError
from schemas.errors import GatewayError
from schemas.scoring import parse_scoring_request

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class RowsFile(Struct, frozen=True):
    """n rows; `fields` is None where they are not named."""

    fields: list[str] | None
    values: list[list[Any]]

    def batches(self, n_rows: int) -> Iterator[dict[str, Any]]:
        """Yield scoring requests of at most this many rows."""
        for start in range(0, len(self.values), n_rows):
            rows = self.values[start : start + n_rows]
            yield {"values": rows} if self.fields is None else {"fields": self.fields, "values": rows}


def read_rows(path: Path) -> RowsFile:
    """Read a file by its ending, `.json` or `.csv`.

    Raises:
        CommandError: it can't be read, or is neither.
    """
    try:
        if path.suffix.lower() == ".json":
            return _from_json(path.read_bytes())
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _from_csv(file)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path}: not a CSV file in UTF-8 ({type(error).__name__}).") from error


def _from_csv(lines: Any) -> RowsFile:
    reader = csv.reader(lines)
    fields = next(reader, None)
    if fields is None:
        raise CommandError("The file is empty: it needs a line with the names of the columns.")
    values: list[list[Any]] = []
    for row in reader:
        if len(row) != len(fields):
            raise CommandError(f"Line {reader.line_num} has {len(row)} cells, the header {len(fields)}.")
        values.append([_cell(text) for text in row])
    return RowsFile(fields, values)


def _from_json(content: bytes) -> RowsFile:
    try:
        rows = msgspec.json.decode(content, type=list[dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _from_request(content)
    fields = list(dict.fromkeys(name for row in rows for name in row))
    return RowsFile(fields, [[row.get(name) for name in fields] for row in rows])


def _from_request(content: bytes) -> RowsFile:
    try:
        request = parse_scoring_request(content).request
    except GatewayError as error:
        raise CommandError(f"The file is neither a list of objects nor a scoring request. {error.message}") from error
    return RowsFile(request.fields, request.values)


def _cell(text: str) -> Any:
    if text == "":
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
