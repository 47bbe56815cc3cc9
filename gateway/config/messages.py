"""Errors of JSON Schema in our own words. The value that is wrong is never shown: it may be a secret."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jsonschema.exceptions import ValidationError
from msgspec import Struct

from gateway.config.findings import Place, spell

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping (keys with values)",
    "array": "a list",
    "null": "null",
}
_FOUND = {str: "text", bool: "true or false", int: "a number", float: "a number", dict: "a mapping", list: "a list"}
_LIMITS = {
    "minimum": "must be at least {}.",
    "maximum": "must be at most {}.",
    "exclusiveMinimum": "must be more than {}.",
    "exclusiveMaximum": "must be less than {}.",
    "minLength": "must have at least {} characters.",
    "maxLength": "may have at most {} characters.",
    "minItems": "must have at least {} elements.",
    "maxItems": "may have at most {} elements.",
    "pattern": "must match {}",
}


class Mistake(Struct, frozen=True):
    """What is wrong at a place. `wanted` are the JSON types that could stand there, where the type is what is wrong."""

    place: Place
    sentence: str
    wanted: frozenset[str] = frozenset()


def explain(error: ValidationError) -> Iterator[Mistake]:
    """Say what an error means; one of `anyOf` is explained by the branch that the value seems to be meant for."""
    place: Place = tuple(error.absolute_path)
    match error.validator:
        case "anyOf" | "oneOf":
            yield from _explain_branches(error, place)
        case "additionalProperties":
            yield from _unknown_keys(error, place)
        case "required":
            yield from (
                Mistake(place, _missing(name, _schema(error))) for name in _limit(error) if name not in _instance(error)
            )
        case _ if "propertyNames" in error.relative_schema_path:
            yield Mistake((*place, _instance(error)), f"The name {_rule(error)}")
        case "type":
            yield _wrong_type(place, _types_of(_schema(error)), _instance(error))
        case "enum" | "const":
            allowed = [_limit(error)] if error.validator == "const" else _limit(error)
            yield _not_among(place, allowed, _instance(error))
        case _:
            yield Mistake(place, f"The value {_rule(error)}")


def _explain_branches(error: ValidationError, place: Place) -> Iterator[Mistake]:
    branches: dict[Any, list[ValidationError]] = {}
    for item in error.context or ():
        branches.setdefault(item.relative_schema_path[0], []).append(item)
    meant = [items for items in branches.values() if not any(_is_of_another_type(item, error) for item in items)]
    if meant:
        for item in min(meant, key=len):
            yield from explain(item)
        return
    wanted = [kind for branch in _limit(error) for kind in _types_of(branch)]
    yield _wrong_type(place, wanted, _instance(error))


def _is_of_another_type(item: ValidationError, parent: ValidationError) -> bool:
    at_the_top = list(item.absolute_path) == list(parent.absolute_path)
    if not at_the_top:
        return False
    if item.validator == "enum":
        return not any(type(value) is type(_instance(item)) for value in _limit(item))
    return item.validator == "type"


def _types_of(schema: Mapping[str, Any]) -> list[str]:
    if "enum" in schema:
        return sorted({"string" if isinstance(value, str) else "number" for value in schema["enum"]})
    wanted = schema.get("type", "object")
    return [wanted] if isinstance(wanted, str) else list(wanted)


def _wrong_type(place: Place, wanted: list[str], instance: Any) -> Mistake:
    kinds = list(dict.fromkeys(_TYPES.get(kind, kind) for kind in wanted))
    found = "nothing" if instance is None else _FOUND.get(type(instance), "something else")
    quotes = " Put it in quotes." if "string" in wanted and isinstance(instance, bool | int | float) else ""
    return Mistake(place, f"It must be {' or '.join(kinds)}, found is {found}.{quotes}", frozenset(wanted))


def _not_among(place: Place, allowed: list[Any], instance: Any) -> Mistake:
    names = [str(value) for value in allowed]
    close = get_close_matches(instance, names, n=1) if isinstance(instance, str) else []
    hint = f" Did you mean {close[0]}?" if close else ""
    listed = ", ".join(names) or "nothing (no plugin for it is installed)"
    return Mistake(place, f"It must be one of: {listed}.{hint}")


def _unknown_keys(error: ValidationError, place: Place) -> Iterator[Mistake]:
    known = list(_schema(error).get("properties", ()))
    for key in _instance(error):
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else f" Known: {', '.join(known)}."
            if ":" in key:
                hint = " Is a blank missing after the colon?"
            yield Mistake((*place, key), f"The key is unknown.{hint}")


def _missing(name: str, schema: Mapping[str, Any]) -> str:
    description = schema.get("properties", {}).get(name, {}).get("description", "")
    return f"The key {spell((name,))} is missing. {description}".rstrip()


def _rule(error: ValidationError) -> str:
    """Say what the value has to be; schemas may say so themselves under `x-expected`."""
    expected = _schema(error).get("x-expected")
    if expected is not None:
        return f"must be {expected}."
    if error.validator == "x-refers-to":
        return error.message
    if error.validator in {"minLength", "minItems"} and error.validator_value == 1:
        return "must not be empty."
    wording = _LIMITS.get(str(error.validator), f"breaks the rule `{error.validator}` of the schema.")
    return wording.format(_limit(error))


def _limit(error: ValidationError) -> Any:
    return error.validator_value


def _instance(error: ValidationError) -> Any:
    return error.instance


def _schema(error: ValidationError) -> Mapping[str, Any]:
    return error.schema if isinstance(error.schema, Mapping) else {}
