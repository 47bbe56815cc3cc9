"""Numbers that a platform may have written as text."""

import math

from schemas.table import Cell


def number_in(value: Cell) -> int | float | None:
    """Return the number that a cell is or spells (`"9.1E-02"`), None where it is none or not finite."""
    if isinstance(value, str):
        return _spelled(value)
    if isinstance(value, int):
        return int(value)
    return value if isinstance(value, float) and math.isfinite(value) else None


def _spelled(text: str) -> int | float | None:
    if "_" in text:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
