"""From a validated tree to structs."""

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from gateway.codecs import sentence_of
from gateway.config.findings import Findings, Place
from schemas.configuration import Settings

S = TypeVar("S", bound=Settings)


def convert(value: Any, struct: type[S], place: Place, findings: Findings) -> S | None:
    """Make a settings struct; None, and findings, where a struct in it refuses its values."""
    problems = list(_problems(value, inspect.type_info(struct), place))
    for where, sentence in problems:
        findings.add(where, sentence)
    return None if problems else msgspec.convert(value, struct)


def _problems(value: Any, info: inspect.Type, place: Place) -> Iterator[tuple[Place, str]]:
    """Convert from the inside out, so that each struct's own objection has its place."""
    inner = list(_inner_problems(value, info, place))
    yield from inner
    if inner or not isinstance(info, inspect.StructType) or not isinstance(value, dict):
        return
    try:
        msgspec.convert(value, info.cls)
    except msgspec.ValidationError as error:
        yield place, sentence_of(error)


def _inner_problems(value: Any, info: inspect.Type, place: Place) -> Iterator[tuple[Place, str]]:
    for step, content, inner in _parts(value, info):
        yield from _problems(content, inner, (*place, *step))


def _parts(value: Any, info: inspect.Type) -> Iterator[tuple[Place, Any, inspect.Type]]:
    """Yield what a value is made of: the step to it, the part, and the type that it is to have."""
    match info, value:
        case inspect.Metadata(), _:
            yield (), value, info.type
        case inspect.UnionType(), _:
            yield from (((), value, branch) for branch in info.types)
        case inspect.StructType(), dict():
            names = ((item.encode_name, item.type) for item in info.fields if item.encode_name in value)
            yield from (((name,), value[name], kind) for name, kind in names)
        case inspect.DictType(), dict():
            yield from (((key,), content, info.value_type) for key, content in value.items())
        case ((inspect.ListType() | inspect.VarTupleType()), list()):
            yield from (((n,), element, info.item_type) for n, element in enumerate(value))
