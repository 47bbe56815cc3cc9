"""Numbers that a platform may have written as text."""

import math
import re

from schemas.table import Cell

# Leading zeros, a plus sign, underscores and other scripts' digits belong to an id, whatever Python makes of them.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def number_in(value: Cell) -> int | float | None:
    """Return the number that a cell is or spells (`"9.1E-02"`), None where it is none or not finite."""
    if isinstance(value, str):
        return _spelled(value.strip())
    if isinstance(value, int):
        return int(value)
    return value if isinstance(value, float) and math.isfinite(value) else None


def is_missing(text: str) -> bool:
    """Whether a text stands for a number that is not there: blank, or `nan`."""
    return text.strip().lower() in ("", "nan")


def _spelled(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text):
        try:
            return int(text)
        except ValueError:
            return None
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else None
    return None
