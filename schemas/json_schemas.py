"""The published JSON Schemas of the wire contract (draft 2020-12)."""

from importlib.resources import files
from typing import Any, Literal

from msgspec import json

SchemaName = Literal["scoring-request", "scoring-response", "discovery", "payload-record", "error"]
SCHEMA_NAMES: tuple[SchemaName, ...] = ("scoring-request", "scoring-response", "discovery", "payload-record", "error")

JsonSchema = dict[str, Any]


def json_schema(name: SchemaName) -> JsonSchema:
    """Read `<name>.schema.json`: a dict of the caller's own, to change as it likes."""
    schema: JsonSchema = json.decode(files("schemas").joinpath(f"{name}.schema.json").read_bytes())
    return schema
