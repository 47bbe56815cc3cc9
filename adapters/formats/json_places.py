"""Places inside a JSON body: `Results.WebServiceOutput0`, `predictions[0]`, or empty for the body itself."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

Place: TypeAlias = tuple[str | int, ...]

_STEP = re.compile(r"(?P<key>[^.\[\]]+)(?P<indexes>(?:\[\d{1,6}\])*)")
_HOLE = b"\x00"


class _Missing:
    """What `find` returns where a body has no such place: null may be there."""


MISSING = _Missing()


def parse_place(text: str) -> Place:
    """Read a dotted path.

    Raises:
        ValueError: keys have to be separated by single dots, and an index stands in brackets after a key.
    """
    if not text:
        return ()
    steps: list[str | int] = []
    for part in text.split("."):
        match = _STEP.fullmatch(part)
        if match is None:
            raise ValueError(f"`at`: {text!r} is not a path such as `Results.output[0]`.")
        steps += [match["key"], *(int(index) for index in re.findall(r"\d+", match["indexes"]))]
    return tuple(steps)


def parse_places(at: str | Sequence[str]) -> tuple[Place, ...]:
    """Read a path or a list of them.

    Raises:
        ValueError: no path, or one that can't be read.
    """
    if isinstance(at, str):
        return (parse_place(at),)
    if not at:
        raise ValueError("`at` is an empty list: name a path, or leave it out for the body itself.")
    return tuple(parse_place(text) for text in at)


def describe(place: Place) -> str:
    """Write a place for a message."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return f"`{text.lstrip('.')}`" if text else "the body itself"


def find(value: Any, place: Place) -> Any:
    """Return what stands at a place, or MISSING."""
    for step in place:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return MISSING
            value = value[step]
        else:
            if not isinstance(value, dict) or step not in value:
                return MISSING
            value = value[step]
    return value


class Template:
    """A JSON body with holes at fixed places, written once so that a call only fills the holes.

    Args:
        place: where the holes are.
        keys: the members of the object there that are holes; none: the place itself is the hole.
        constants: merged into the body.

    Raises:
        ValueError: a constant stands where a hole or the way to it has to be, or has no JSON form.
    """

    def __init__(self, place: Place, keys: Sequence[str], constants: Mapping[str, Any]) -> None:
        hole = msgspec.Raw(_HOLE)
        body: Any = dict.fromkeys(keys, hole) if keys else hole
        for step in reversed(place):
            body = [*[None] * step, body] if isinstance(step, int) else {step: body}
        if constants:
            body = _merged(body, constants, "body_constants")
        try:
            self._pieces = msgspec.json.encode(body).split(_HOLE)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"`body_constants` can't be written as JSON: {error}.") from error

    def fill(self, *texts: bytes) -> bytes:
        """Return the body with one JSON text in each hole, in the order of `keys`."""
        pieces = self._pieces
        if len(texts) == 1:
            return b"".join((pieces[0], texts[0], pieces[1]))
        parts = [pieces[0]]
        for text, piece in zip(texts, pieces[1:], strict=True):
            parts += [text, piece]
        return b"".join(parts)


def _merged(body: Any, constants: Mapping[str, Any], where: str) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ValueError(f"`{where}` is an object, but `at` puts something else there.")  # noqa: TRY004 - an option's value
    merged = dict(body)
    for key, constant in constants.items():
        if key not in body:
            merged[key] = constant
        elif isinstance(constant, Mapping) and isinstance(body[key], dict):
            merged[key] = _merged(body[key], constant, f"{where}.{key}")
        else:
            raise ValueError(f"`{where}.{key}` stands where `at` puts the rows: rename or remove it.")
    return merged
