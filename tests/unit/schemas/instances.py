"""Instances of a JSON Schema, as a strategy: for as much of JSON Schema as the published schemas need."""

from typing import Any

from hypothesis import strategies as st

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)


def instances(schema: dict[str, Any], root: dict[str, Any] | None = None) -> st.SearchStrategy[Any]:
    """Instances that follow the schema but for `not`."""
    root = schema if root is None else root
    if "$ref" in schema:
        return instances(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    if "oneOf" in schema:
        return st.one_of([instances(one, root) for one in schema["oneOf"]])
    match schema.get("type"):
        case None:
            return JSON
        case "string":
            return st.text(max_size=4)
        case "array":
            return st.lists(
                instances(schema.get("items", {}), root),
                min_size=schema.get("minItems", 0),
                max_size=3,
                unique=schema.get("uniqueItems", False),
            )
        case "object":
            return _objects(schema, root)
        case other:
            raise NotImplementedError(other)


def _objects(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    members = {name: instances(member, root) for name, member in schema["properties"].items()}
    required = {name: members.pop(name) for name in schema["required"]}
    return st.fixed_dictionaries(required, optional={**members, "x": JSON})
