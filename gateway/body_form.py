"""Which form a scoring body has, where a deployment takes two: fields/values, or its endpoint's own."""

import json
from typing import Any

import msgspec

_ROWS_ALONE = frozenset({"values", "meta"})


def is_fields_values(body: bytes) -> bool:
    """Whether a body is a scoring request in fields/values, plain or in `input_data`; else it is a native one.

    What is no JSON at all is native, too: CSV is. NaN and infinities, which Python's JSON writer emits, hide nothing.
    """
    try:
        return has_fields_values(_parsed(body))
    except (ValueError, RecursionError):
        return False


def has_fields_values(value: Any) -> bool:
    """Tell the form of a parsed body.

    Fields/values is an object with a list `values` and a list `fields`, or with `values` and nothing else but `meta`;
    or an object with a list `input_data` that begins with such an object.
    """
    if not isinstance(value, dict):
        return False
    elements = value.get("input_data")
    return _has_rows(value) or (isinstance(elements, list) and bool(elements) and _has_rows(elements[0]))


def _has_rows(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("values"), list):
        return False
    return isinstance(value.get("fields"), list) or value.keys() <= _ROWS_ALONE


def _parsed(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Slow, and seldom needed: a body of CSV does not begin like this.
        return json.loads(body) if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else None
