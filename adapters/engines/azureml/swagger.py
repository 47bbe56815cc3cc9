"""From an endpoint's own description of its API to the names of the columns that it takes.

Source: swagger.json of Microsoft's inference server (`ServiceInput`, from inference-schema), of AutoML's scoring
scripts, and of designer pipelines (`ExecutionRequest`, with an example).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.base.json_members import read_members

MAX_LEVELS = 8
MAX_SCHEMAS = 500
_REQUESTS = ("ServiceInput", "ExecutionRequest")
_NOT_COLUMNS = frozenset({"GlobalParameters", "params", "method"})


def request_columns(document: bytes) -> tuple[str, ...] | None:
    """Return the columns of a row of the request, in their order; None where the document doesn't tell.

    They are the properties of the first array of objects in the schema of the request, else the keys of the first such
    row, or the list `columns`, in its example.
    """
    root = read_members(document)
    schemas = {**root["definitions"].members, **root["components"]["schemas"].members}
    request = next((schemas[name] for name in _REQUESTS if isinstance(schemas.get(name), dict)), None)
    if request is None:
        return None
    columns = _of_schema(request, schemas) or _of_example(request.get("example"))
    return columns if columns and all(columns) else None


def _of_schema(request: Mapping[str, Any], schemas: Mapping[str, Any]) -> tuple[str, ...]:
    for schema in _breadth_first(request, schemas):
        items = _resolved(schema.get("items"), schemas)
        properties = items.get("properties")
        if isinstance(properties, dict) and properties:
            return tuple(properties)
    return ()


def _breadth_first(root: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a schema and those of its properties; a schema may hold itself, so there is an end to it."""
    level = [_resolved(root, schemas)]
    left = MAX_SCHEMAS
    for _ in range(MAX_LEVELS):
        level = level[:left]
        left -= len(level)
        yield from level
        level = [_resolved(inner, schemas) for schema in level for inner in _properties(schema)]


def _properties(schema: Mapping[str, Any]) -> list[Any]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return []
    return [inner for name, inner in properties.items() if name not in _NOT_COLUMNS]


def _resolved(schema: Any, schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(MAX_LEVELS):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str):
            break
        schema = schemas.get(reference.rpartition("/")[2])
    return schema if isinstance(schema, dict) else {}


def _of_example(example: Any) -> tuple[str, ...]:
    level = [example]
    for _ in range(MAX_LEVELS):
        for value in level:
            columns = _of_value(value)
            if columns:
                return columns
        level = [inner for value in level if isinstance(value, dict) for inner in _members(value)][:MAX_SCHEMAS]
    return ()


def _of_value(value: Any) -> tuple[str, ...]:
    match value:
        case [{} as row, *_]:
            return tuple(row)
        case {"columns": [*names]} if all(isinstance(name, str) for name in names):
            return tuple(names)
    return ()


def _members(value: Mapping[str, Any]) -> Sequence[Any]:
    return [inner for name, inner in value.items() if name not in _NOT_COLUMNS]
