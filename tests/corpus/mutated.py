"""Bodies made from good ones by small damages, the same ones at every run. Some are still good; none may be a fault."""

import random
from collections.abc import Iterator
from typing import Any

from msgspec import json

GOOD: tuple[dict[str, Any], ...] = (
    {"fields": ["LoanDuration", "Job"], "values": [[12, "skilled"], [36, None]]},
    {"fields": ["a"], "values": []},
    {"fields": ["é", "b c", '"'], "values": [[1.5, True, {"k": [1, 2]}]]},
    {"fields": ["a"], "values": [[1], [2]], "meta": {"fields": ["sex"], "values": [["f"], ["m"]]}},
    {"values": [[[[0, 0, 255], [1, 2, 3]]]]},
    {"input_data": [{"fields": ["a", "b"], "values": [[1, 2]]}]},
    {"input_data": [{"fields": ["a"], "values": [[1]]}, {"fields": ["a"], "values": [[2], [3]]}]},
)
REPLACEMENTS: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**53 + 1,
    2**64,
    10**40,
    1e308,
    "",
    "x",
    "\x00",
    "\U0001f600",
    "x" * 300,
    [],
    [[]],
    [1],
    [[1]],
    {},
    {"values": []},
    {"fields": ["a"]},
)
FRAGMENTS = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\x00", b"\xff", b"\xc3", b"NaN", b"1e400", b"null", b"-", b"0",
    b"\\ud800", b"[[", b"]]", b'"values":', b"/*", b"\n", b"\xef\xbb\xbf",
)  # fmt: skip


def mutated(count: int = 5_000, seed: int = 20261121) -> Iterator[bytes]:
    """Yield so many bodies, with one to three damages to the text or the structure of a good one."""
    choose = random.Random(seed)  # noqa: S311 - the same bodies at every run are the point
    for _ in range(count):
        good = choose.choice(GOOD)
        if choose.random() < 0.5:
            yield json.encode(_with_other_part(good, choose))
        else:
            yield _with_damaged_text(json.encode(good), choose)


def _with_damaged_text(text: bytes, choose: random.Random) -> bytes:
    for _ in range(choose.randint(1, 3)):
        start = choose.randrange(len(text) + 1)
        end = min(len(text), start + choose.choice((0, 0, 1, 2, 8)))
        match choose.randrange(4):
            case 0:
                text = text[:start] + choose.choice(FRAGMENTS) + text[end:]
            case 1:
                text = text[:start] + text[end:]
            case 2:
                text = text[:start] + text[start:end] * 2 + text[end:]
            case _:
                text = text[:start] + bytes([choose.randrange(256)]) + text[start + 1 :]
    return text


def _with_other_part(part: Any, choose: random.Random) -> Any:
    """Replace, remove or double one part, somewhere below."""
    if not isinstance(part, dict | list) or not part or choose.random() < 0.15:
        return choose.choice(REPLACEMENTS)
    if isinstance(part, dict):
        return _with_other_member(part, choose)
    place = choose.randrange(len(part))
    match choose.randrange(6):
        case 0:
            return part[:place] + part[place + 1 :]
        case 1:
            return part[: place + 1] + part[place:]
        case _:
            return [*part[:place], _with_other_part(part[place], choose), *part[place + 1 :]]


def _with_other_member(part: dict[str, Any], choose: random.Random) -> dict[str, Any]:
    name = choose.choice(list(part))
    match choose.randrange(6):
        case 0:
            return {key: value for key, value in part.items() if key != name}
        case 1:
            return {**part, choose.choice(("fields", "values", "meta", "input_data", "x")): choose.choice(REPLACEMENTS)}
        case _:
            return {**part, name: _with_other_part(part[name], choose)}
