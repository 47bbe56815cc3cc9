"""Scalars by the core schema of YAML 1.2 (YAML 1.2.2, 10.3.2): `No`, `on` and dates are text."""

import math
import re

Scalar = str | int | float | bool | None

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = {10: re.compile(r"[-+]?[0-9]+"), 8: re.compile(r"0o[0-7]+"), 16: re.compile(r"0x[0-9a-fA-F]+")}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LONGEST_NUMBER = 400
_INTEGERS = range(-(2**63), 2**64)


def read_scalar(text: str) -> Scalar:
    """Return what a scalar without quotes means.

    Raises:
        ValueError: a number that JSON, or 64 bits, can't hold.
    """
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("infinities and NaN are no JSON values: put it in quotes if it is text")
    return _number(text)


def _number(text: str) -> Scalar:
    base = next((base for base, pattern in _INTEGER.items() if pattern.fullmatch(text)), 0)
    if not base and not _FLOAT.fullmatch(text):
        return text
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("the number is too long: put it in quotes if it is text")
    number: int | float = int(text, base) if base else float(text)
    if (base and number not in _INTEGERS) or not math.isfinite(number):
        raise ValueError("the number is too large: put it in quotes if it is text")
    return number
