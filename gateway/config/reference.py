"""The tables of docs/configuration.md, from the structs themselves; no part of the running service.

`python -m gateway.config.reference docs/configuration.md` writes them between the two markers of that page.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.config.composition import Schema, compose_schema
from gateway.registry import Registry

BEGIN = "<!-- The tables below are generated: python -m gateway.config.reference docs/configuration.md -->"
END = "<!-- End of the generated tables. -->"

_SECTIONS = ("server", "auth", "payload_log")
_TYPES = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "object": "mapping",
    "null": "null",
}

_BOUNDS = {"minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}"}


def tables(registry: Registry) -> str:
    """Return a table of options for each section, engine, codec and sink."""
    return "\n".join(_lines(compose_schema(registry)))


def page(text: str, registry: Registry) -> str:
    """Return the page with fresh tables between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables(registry)}\n{END}{after}"


def _lines(schema: Schema) -> Iterator[str]:
    definitions: Mapping[str, Schema] = schema["$defs"]
    root = schema["properties"]
    for section in _SECTIONS:
        yield from _section(f"`{section}`", section, _resolved(root[section], definitions), definitions)
    deployment = definitions["ConfiguredDeployment"]
    yield from _section("`deployments`", "deployments.<id>", deployment, definitions)
    for section, title in (("engines", "Engine"), ("sinks", "Sink")):
        for branch in root[section]["additionalProperties"]["allOf"]:
            kind = branch["if"]["properties"]["type"]["const"]
            struct = _resolved(branch["then"], definitions)
            yield from _section(f"{title} `{kind}`", f"{section}.<name>", struct, definitions)
    for branch in definitions["codec"]["allOf"]:
        kind = branch["if"]["properties"]["format"]["const"]
        struct = _resolved(branch["then"], definitions)
        yield from _section(f"Format `{kind}`", "request, response", struct, definitions)
    yield from _presets(definitions)


def _section(title: str, prefix: str, struct: Schema, definitions: Mapping[str, Schema]) -> Iterator[str]:
    yield f"### {title}\n"
    yield f"{struct.get('description', '')}\n"
    yield f"Keys are relative to `{prefix}`.\n"
    yield "| key | type | default | meaning |"
    yield "| --- | --- | --- | --- |"
    yield from _rows("", struct, definitions)
    yield ""


def _rows(prefix: str, struct: Schema, definitions: Mapping[str, Schema]) -> Iterator[str]:
    for key, option in struct["properties"].items():
        nested = [(suffix, inner) for suffix, inner in _nested(option, definitions) if _is_told_here(inner)]
        default = "required" if key in struct["required"] else _default(option, has_own_rows=bool(nested))
        yield f"| `{prefix}{key}` | {_type(option, definitions)} | {default} | {_cell(option.get('description', ''))} |"
        for suffix, inner in nested:
            yield from _rows(f"{prefix}{key}{suffix}.", inner, definitions)


def _nested(option: Schema, definitions: Mapping[str, Schema]) -> Iterator[tuple[str, Schema]]:
    """Yield the structs that an option holds: itself, or as the entries of a mapping or a list."""
    for branch in option.get("anyOf", [option]):
        places = {"": branch, ".<name>": branch.get("additionalProperties"), "[n]": branch.get("items")}
        for suffix, schema in places.items():
            if isinstance(schema, dict) and "$ref" in schema:
                yield suffix, _resolved(schema, definitions)


def _is_told_here(struct: Schema) -> bool:
    """Tell whether a nested struct gets rows; deployments' settings and codecs have tables of their own."""
    return struct.get("title") != "DeploymentSettings" and "allOf" not in struct


def _resolved(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    return definitions[schema["$ref"].removeprefix("#/$defs/")] if "$ref" in schema else schema


def _default(option: Schema, *, has_own_rows: bool) -> str:
    if "const" in option:
        return "by preset"
    default = option.get("default")
    return "as below" if has_own_rows and default else f"`{json.dumps(default)}`"


def _type(schema: Any, definitions: Mapping[str, Schema]) -> str:
    if "$ref" in schema:
        return _type(_resolved(schema, definitions), definitions)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(branch, definitions) for branch in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), definitions)}"
    return f"{_TYPES.get(schema.get('type'), 'any')}{_range(schema)}"


def _range(schema: Schema) -> str:
    bounds = ", ".join(text.format(schema[key]) for key, text in _BOUNDS.items() if key in schema)
    return f" ({bounds})" if bounds else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _presets(definitions: Mapping[str, Schema]) -> Iterator[str]:
    names = definitions["DeploymentSettings"]["properties"]["format"]["anyOf"][0]["enum"]
    yield "### Presets\n"
    yield f"`format` of a deployment: {', '.join(f'`{name}`' for name in names)}.\n"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(page(target.read_text(encoding="utf-8"), Registry.load()), encoding="utf-8")
