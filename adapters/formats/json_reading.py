"""Reading JSON as platforms really write it.

Strict JSON is read at full speed. Only when that fails the text is read again with what Python's own JSON writer emits
(`NaN`, `Infinity`), as scoring scripts, MLflow and SageMaker containers do; such numbers become null. What scoring
scripts return from `json.dumps` is encoded once more by the Azure inference server, so a string that holds JSON is
opened.
"""

import math
import re
from collections.abc import Callable
from types import NoneType
from typing import Any, TypeVar

import msgspec

from schemas.errors import EngineReplyError

MAX_DEPTH = 64
MAX_ENCODINGS = 3
ERROR_KEYS = ("error", "message", "errors", "error_message", "detail")

Value = TypeVar("Value")
_ERROR_KEYS = frozenset(ERROR_KEYS)

_KINDS: dict[type[Any], str] = {
    NoneType: "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    tuple: "an array",
    dict: "an object",
}
_BOM = b"\xef\xbb\xbf"
_NOT_JSON = re.compile(
    rb"""
    (?P<text> "[^"\\]*+(?:\\.[^"\\]*+)*+"? )          # left as it is, so that nothing inside is touched
  | -?\b(?:NaN|Infinity)\b
  | (?P<number> (?<!\d)-?\d++(?:\.\d++)?[eE]\+?\d{3,}+ )   # may be beyond the largest float
    """,
    re.VERBOSE | re.DOTALL,
)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_lines: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def read_json(content: bytes) -> Any:
    """Read a body; NaN, infinities and numbers beyond the range of a float become None.

    A body that is a JSON string with an object or array in it is read again, at most 3 times.

    Raises:
        EngineReplyError: not JSON, nested deeper than 64 levels, or a plain string instead of rows.
    """
    value = _read_once(content, msgspec.json.decode)
    return _opened(value) if isinstance(value, str) else value


def read_json_lines(content: bytes, *, texts: bool = False) -> list[Any]:
    """Read a body with one JSON value on each line, as leniently as `read_json`; blank lines are none.

    Args:
        content: the body.
        texts: a lone string is a value, even if it holds JSON; else it is read again, at most 3 times.

    Raises:
        EngineReplyError: a line is not JSON, or is nested deeper than 64 levels.
    """
    values = _read_once(content, _lines.decode_lines)
    for _ in range(0 if texts else MAX_ENCODINGS):
        if len(values) != 1 or not isinstance(values[0], str) or not values[0].lstrip().startswith(("{", "[")):
            break
        try:
            values = _read_once(values[0].encode(), _lines.decode_lines)
        except EngineReplyError:
            break
    return values


def error_text(value: Any) -> str | None:
    """Return what an object says of an error, None where it says nothing of the kind.

    Scoring scripts that catch exceptions answer 200 with `{"error": ...}` or `{"message": ...}`.
    """
    if not isinstance(value, dict):
        return None
    texts = [_as_text(value[key]) for key in ERROR_KEYS if value.get(key)]
    return ": ".join(texts) if texts else None


def refuse_error(value: Any) -> None:
    """Refuse an object that holds nothing but an error.

    Raises:
        EngineReplyError: with the platform's words in `engine_message`.
    """
    if isinstance(value, dict) and value and value.keys() <= _ERROR_KEYS:
        raise EngineReplyError(
            "The endpoint answered 200 with an error instead of rows.", engine_message=error_text(value)
        )


def labels_beside(*holders: Any) -> list[Any] | None:
    """Return the order of classes that an answer states: the scalars of the first list under `labels`."""
    for holder in holders:
        labels = holder.get("labels") if isinstance(holder, dict) else None
        if isinstance(labels, list) and labels and not any(isinstance(label, list | dict) for label in labels):
            return labels
    return None


def kind_of(value: Any) -> str:
    """Name the JSON type of a value, for messages: `a string`."""
    return _KINDS.get(type(value), "another type")


def _opened(text: str) -> Any:
    value: Any = text
    for _ in range(MAX_ENCODINGS):
        if not value.lstrip().startswith(("{", "[", '"')):
            break
        try:
            value = _read_once(value.encode(), msgspec.json.decode)
        except EngineReplyError:
            break
        if not isinstance(value, str):
            return value
    raise EngineReplyError("The endpoint answered with a text instead of rows.", engine_message=value)


def _read_once(content: bytes, decode: Callable[[bytes], Value]) -> Value:
    try:
        value = _decoded(content, decode)
    except RecursionError:
        raise _too_deep() from None
    if _may_be_deep(content) and _is_deeper(value, MAX_DEPTH):
        raise _too_deep()
    return value


def _decoded(content: bytes, decode: Callable[[bytes], Value]) -> Value:
    try:
        return decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return decode(_NOT_JSON.sub(_json_for, content.removeprefix(_BOM)))
    except msgspec.DecodeError as error:
        raise EngineReplyError(f"The endpoint's answer is not JSON: {error}.") from None
    except UnicodeDecodeError as error:
        raise EngineReplyError(f"The endpoint's answer is not UTF-8 (byte {error.start}).") from None


def _json_for(match: re.Match[bytes]) -> bytes:
    if match["text"] is not None:
        return match["text"]
    number = match["number"]
    return number if number is not None and math.isfinite(float(number)) else b"null"


def _may_be_deep(content: bytes) -> bool:
    """Peel the brackets of a body off, from the inside, at the speed of C; only strings with brackets mislead it."""
    if len(content) <= MAX_DEPTH:
        return False
    brackets = content.translate(None, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def _is_deeper(value: Any, levels: int) -> bool:
    containers = [value]
    for _ in range(levels + 1):
        inner = [item for item in containers if isinstance(item, list | dict)]
        if not inner:
            return False
        containers = [item for group in inner for item in (group.values() if isinstance(group, dict) else group)]
    return True


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _too_deep() -> EngineReplyError:
    return EngineReplyError(f"The endpoint's answer is nested deeper than {MAX_DEPTH} levels.")
