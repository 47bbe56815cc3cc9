"""From an endpoint's own description of its API to the columns that it takes, and where it takes them.

Source: swagger.json of Microsoft's inference server (`ServiceInput`, from inference-schema), of AutoML's scoring
scripts, and of designer pipelines (`ExecutionRequest`, with an example).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from adapters.base.json_members import read_members

MAX_LEVELS = 8
MAX_SCHEMAS = 500
_REQUESTS = ("ServiceInput", "ExecutionRequest")
_PARAMETERS = "GlobalParameters"
_NOT_COLUMNS = frozenset({_PARAMETERS, "params", "method"})
_NAME = re.compile(r"[^.\[\]]+")
# By type and format (OpenAPI 2.0, "Data Types"); the names are Spark's.
_TYPES = {
    ("integer", "int32"): "integer",
    ("integer", None): "long",
    ("number", None): "double",
    ("boolean", None): "boolean",
    ("string", "date-time"): "timestamp",
    ("string", None): "string",
}

Path = tuple[str, ...]


class RequestForm(Struct, frozen=True, kw_only=True):
    """What a document says of requests.

    Attributes:
        columns: of a row, in their order.
        schema: Spark "struct" JSON of them; None where the type of any is not told.
        options: for the codec of requests, by codec: where the rows stand in the body, and what goes beside them.
    """

    columns: tuple[str, ...]
    schema: dict[str, Any] | None = None
    options: dict[str, dict[str, Any]] = field(default_factory=dict)


def request_form(document: bytes) -> RequestForm | None:
    """Return what is said of requests; None where the document doesn't tell the columns.

    They are the properties of the first array of objects in the schema of the request, else the keys of the first such
    row, or the list `columns`, in its example.
    """
    root = read_members(document)
    schemas = {**root["definitions"].members, **root["components"]["schemas"].members}
    request = next((schemas[name] for name in _REQUESTS if isinstance(schemas.get(name), dict)), None)
    if request is None:
        return None
    example = request.get("example")
    form = _of_schema(request, schemas) or _of_example(example)
    if form is None or not all(form.columns):
        return None
    return _with_parameters(form, example)


def _of_schema(request: Mapping[str, Any], schemas: Mapping[str, Any]) -> RequestForm | None:
    for path, schema in _breadth_first(request, schemas):
        items = _resolved(schema.get("items"), schemas)
        properties = items.get("properties")
        if isinstance(properties, dict) and properties:
            resolved = {name: _resolved(inner, schemas) for name, inner in properties.items()}
            return RequestForm(columns=tuple(properties), schema=_struct(resolved), options=_options("rows", path))
    return None


def _breadth_first(root: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield a schema and those of its properties; a schema may hold itself, so there is an end to it."""
    level: list[tuple[Path, Mapping[str, Any]]] = [((), _resolved(root, schemas))]
    left = MAX_SCHEMAS
    for _ in range(MAX_LEVELS):
        level = level[:left]
        left -= len(level)
        yield from level
        level = [
            ((*path, name), _resolved(inner, schemas))
            for path, schema in level
            for name, inner in _members(schema.get("properties"))
        ]


def _resolved(schema: Any, schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(MAX_LEVELS):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str):
            break
        schema = schemas.get(reference.rpartition("/")[2])
    return schema if isinstance(schema, dict) else {}


def _struct(columns: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    types = [_type(schema) for schema in columns.values()]
    if None in types:
        return None
    fields: list[dict[str, Any]] = [
        {"name": name, "type": kind, "nullable": True, "metadata": {}}
        for name, kind in zip(columns, types, strict=True)
    ]
    return {"type": "struct", "fields": fields}


def _type(schema: Mapping[str, Any]) -> str | None:
    kind, form = schema.get("type"), schema.get("format")
    if not isinstance(kind, str):
        return None
    return _TYPES.get((kind, form if isinstance(form, str) else None)) or _TYPES.get((kind, None))


def _of_example(example: Any) -> RequestForm | None:
    level: list[tuple[Path, Any]] = [((), example)]
    for _ in range(MAX_LEVELS):
        for path, value in level:
            form = _of_value(path, value)
            if form is not None:
                return form
        level = [((*path, name), inner) for path, value in level for name, inner in _members(value)][:MAX_SCHEMAS]
    return None


def _of_value(path: Path, value: Any) -> RequestForm | None:
    match value:
        case [dict() as row, *_] if row:
            return RequestForm(columns=tuple(row), options=_options("rows", path))
        case {"columns": [_, *_] as names, "data": _} if all(isinstance(name, str) for name in names):
            keys = {"columns": "columns", "rows": "data"}
            return RequestForm(columns=tuple(names), options=_options("table", path, **keys))
        case {"columns": [_, *_] as names} if all(isinstance(name, str) for name in names):
            return RequestForm(columns=tuple(names))
    return None


def _options(codec: str, path: Path, **keys: str) -> dict[str, dict[str, Any]]:
    """Return where the rows are, as an option; nothing where a dotted path can't say it."""
    if not all(_NAME.fullmatch(name) for name in path):
        return {}
    return {codec: {"at": ".".join(path), **keys}}


def _with_parameters(form: RequestForm, example: Any) -> RequestForm:
    """Add the parameters of the example, which pipelines of the designer and AutoML want beside the rows."""
    if not isinstance(example, dict) or _PARAMETERS not in example:
        return form
    constants = {_PARAMETERS: example[_PARAMETERS]}
    below = {codec: found for codec, found in form.options.items() if found["at"]}
    return replace(form, options={codec: {**found, "body_constants": constants} for codec, found in below.items()})


def _members(value: Any) -> Sequence[tuple[str, Any]]:
    if not isinstance(value, dict):
        return ()
    return [(name, inner) for name, inner in value.items() if name not in _NOT_COLUMNS]
