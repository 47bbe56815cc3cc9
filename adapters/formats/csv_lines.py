"""Reading the lines and cells of CSV; what they mean for rows is decided elsewhere."""

import re
from typing import TypeAlias

import msgspec

from adapters.formats.text_cells import as_number
from schemas.errors import EngineReplyError
from schemas.table import Cell

RawCell: TypeAlias = str | None
"""The text of a cell, quotes resolved; None for an empty cell in quotes, which is no blank line."""

_CELL = re.compile(
    r"""
    (?: [ \t]*"(?P<quoted>(?:[^"]|"")*+)"[ \t]*
      | (?P<vector>[ \t]*\[[^\[\]"\r\n]*\][ \t]*)
      | (?P<plain>[^,\r\n]*) )
    (?P<end> , | \r\n | \n | \r | \Z )
    """,
    re.VERBOSE,
)
_numeric_lines = msgspec.json.Decoder(list[list[int | float | list[int | float]]])


def csv_text(content: bytes) -> str:
    """Decode a body of CSV.

    Raises:
        EngineReplyError: not UTF-8, or a JSON object (platforms report errors as one).
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EngineReplyError(f"The endpoint's answer is not UTF-8 (byte {error.start}).") from None
    if _is_json_object(text):
        raise EngineReplyError("The endpoint answered with a JSON object instead of CSV.", engine_message=text)
    return text


def _is_json_object(text: str) -> bool:
    """Look closer than at the first character: a name or a text of CSV may begin with a brace, too."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False


def numeric_lines(content: bytes) -> list[list[Cell]] | None:
    """Read lines of nothing but numbers and `[...]` vectors at the speed of JSON, which such lines nearly are.

    Returns:
        The cells of each line, or None where a line holds anything else.
    """
    try:
        lines = _numeric_lines.decode(b"[[" + content.removesuffix(b"\n").replace(b"\n", b"],[") + b"]]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    # A bracket that closes on another line, or never opened, has moved the borders of lines.
    whole = len(lines) == content.removesuffix(b"\n").count(b"\n") + 1
    return [list(line) for line in lines] if whole and all(lines) else None


def split_lines(text: str) -> list[list[RawCell]]:
    """Split CSV into lines of cells, quotes of RFC 4180 and vectors in brackets respected."""
    if not text:
        return []
    if '"' not in text and "[" not in text:
        lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
        return [list(line.split(",")) for line in lines]
    return _tokenised(text)


def read_cell(raw: RawCell) -> Cell:
    """Read a number, a vector, a text or nothing."""
    if raw is None:
        return None
    trimmed = raw.strip()
    if trimmed.startswith("[") and trimmed.endswith("]"):
        items = [as_number(item) for item in trimmed[1:-1].split(",")]
        if not any(isinstance(item, str) for item in items):
            return items
    return as_number(raw)


def _tokenised(text: str) -> list[list[RawCell]]:
    lines: list[list[RawCell]] = [[]]
    position = 0
    while True:
        match = _CELL.match(text, position)
        assert match is not None  # noqa: S101 - the last alternative matches every text
        lines[-1].append(_raw(match))
        position = match.end()
        if match["end"] == ",":
            continue
        if position == len(text):
            return lines
        lines.append([])


def _raw(match: re.Match[str]) -> RawCell:
    quoted = match["quoted"]
    if quoted is None:
        return match["vector"] or match["plain"]
    return quoted.replace('""', '"') or None
