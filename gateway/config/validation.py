"""The tree against the composed JSON Schema."""

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from gateway.config.expansion import Expanded
from gateway.config.findings import Findings, Place
from gateway.config.messages import Mistake, explain
from gateway.config.scalars import Scalar, read_scalar
from gateway.public_ids import is_generated_id

_NAME = re.compile(r"[A-Za-z0-9-]+")
_TYPE_NAMES: dict[type, frozenset[str]] = {
    bool: frozenset({"boolean"}),
    int: frozenset({"integer", "number"}),
    float: frozenset({"number"}),
    type(None): frozenset({"null"}),
}


def validate(expanded: Expanded, schema: Mapping[str, Any], findings: Findings) -> Any:
    """Add what the schema objects to, and return the tree.

    Where text that came from a reference stands in the place of a number, a boolean or null, it is read by the rules
    of YAML, in the tree that is returned; `expanded` stays as it is.
    """
    tree = expanded.value
    unread = set(expanded.places)
    while True:
        mistakes = list(_mistakes(tree, schema))
        readable = [(item.place, value) for item in mistakes if item.place in unread for value in _reread(tree, item)]
        if not readable:
            break
        for place, value in readable:
            tree = _replaced(tree, place, value)
            unread.discard(place)
    for item in [item for item in mistakes if not findings.covers(item.place)]:
        findings.add(item.place, item.sentence)
    return tree


def _mistakes(tree: Any, schema: Mapping[str, Any]) -> list[Mistake]:
    keywords = {"pattern": _pattern, "x-refers-to": _refers_to(tree)}
    validator = extend(Draft202012Validator, keywords)(schema)  # type: ignore[no-untyped-call] # so in its stubs
    found = [mistake for error in validator.iter_errors(tree) for mistake in explain(error)]
    return list(dict.fromkeys(found))


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    # `$` of Python also matches before a line feed at the end; that of JSON Schema does not.
    fits = not isinstance(instance, str) or (
        re.search(pattern, instance) and not (pattern.endswith("$") and instance.endswith("\n"))
    )
    if not fits:
        yield ValidationError("does not match")


def _refers_to(tree: Any) -> Callable[[Any, str, Any, Any], Iterator[ValidationError]]:
    def check(_: Any, section: str, instance: Any, __: Any) -> Iterator[ValidationError]:
        problem = _why_unknown(tree, section, instance)
        if problem is not None:
            yield ValidationError(problem)

    return check


def _reread(tree: Any, mistake: Mistake) -> list[Scalar]:
    """Return what the text means by the rules of YAML, if that is of a type that is wanted: one value, or none."""
    text = _at(tree, mistake.place)
    if not isinstance(text, str):
        return []
    try:
        value = read_scalar(text)
    except ValueError:
        return []
    return [value] if _TYPE_NAMES.get(type(value), frozenset()) & mistake.wanted else []


def _at(tree: Any, place: Place) -> Any:
    for step in place:
        tree = tree[step]
    return tree


def _replaced(tree: Any, place: Place, value: Scalar) -> Any:
    if not place:
        return value
    step, rest = place[0], place[1:]
    if isinstance(tree, list):
        return [_replaced(item, rest, value) if n == step else item for n, item in enumerate(tree)]
    return {**tree, step: _replaced(tree[step], rest, value)}


def _why_unknown(tree: Any, section: str, name: Any) -> str | None:
    """Say why `name` names no entry of a section; None if it does, or if it is not even text."""
    if not isinstance(name, str):
        return None
    known = _names(tree, section)
    if name in known or (section == "deployments" and is_generated_id(name, _names(tree, "engines"))):
        return None
    close = get_close_matches(name, known, n=1)
    if close:
        return f"must name an entry of `{section}`. Did you mean {close[0]}?"
    generated = ", or be the generated id `<engine>--<endpoint>` of a discovered endpoint"
    also = generated if section == "deployments" else ""
    return f"must name an entry of `{section}`{also}. Known: {', '.join(known) or 'none'}."


def _names(tree: Any, section: str) -> list[str]:
    entries = tree.get(section) if isinstance(tree, dict) else None
    return [name for name in entries if _NAME.fullmatch(name)] if isinstance(entries, dict) else []
