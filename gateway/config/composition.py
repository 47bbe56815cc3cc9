"""The JSON Schema of the whole configuration: the skeleton of `schemas.configuration` and the plugins' structs."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from adapters.base import EnginePlugin, FormatPlugin, Preset, SinkPlugin
from gateway.codecs import DIRECTIONS
from schemas.configuration import ConfigurationFile, ConfiguredDeployment, DeploymentSettings, Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

# By their structs, not by their names: a plugin may have a struct of the same name.
_OURS = (ConfigurationFile, DeploymentSettings, ConfiguredDeployment)


class Plugins(Protocol):
    """What is needed of the registry."""

    @property
    def engines(self) -> dict[str, EnginePlugin]:
        """By kind."""
        ...

    @property
    def formats(self) -> dict[str, FormatPlugin]:
        """By kind."""
        ...

    @property
    def sinks(self) -> dict[str, SinkPlugin]:
        """By kind."""
        ...

    @property
    def presets(self) -> dict[str, Preset]:
        """By name."""
        ...


def compose_schema(plugins: Plugins) -> Schema:
    """Return the JSON Schema (2020-12) of a configuration file, after its references are replaced."""
    engines = {kind: plugin.settings for kind, plugin in plugins.engines.items()}
    sinks = {kind: plugin.settings for kind, plugin in plugins.sinks.items()}
    codecs = {kind: plugin.settings for kind, plugin in plugins.formats.items()}
    structs: list[type[Settings]] = [*_OURS, *engines.values(), *sinks.values(), *codecs.values()]
    references, definitions = msgspec.json.schema_components(structs, ref_template="#/$defs/{name}")
    of_struct = dict(zip(structs, references, strict=True))
    root = _definition(definitions, of_struct[ConfigurationFile])
    _choose(root["properties"]["engines"], {kind: of_struct[struct] for kind, struct in engines.items()})
    _choose(root["properties"]["sinks"], {kind: of_struct[struct] for kind, struct in sinks.items()})
    options = {kind: f"codec {kind}" for kind in codecs}
    for kind, struct in codecs.items():
        definitions[options[kind]] = _options(kind, _definition(definitions, of_struct[struct]))
    definitions["codec"] = _choice("format", {kind: {"$ref": f"#/$defs/{name}"} for kind, name in options.items()})
    for struct in (DeploymentSettings, ConfiguredDeployment):
        _refine_formats(_definition(definitions, of_struct[struct]), plugins.presets, options)
    return {"$schema": DIALECT, **root, "title": "Configuration of openscale-gateway", "$defs": definitions}


def _definition(definitions: Mapping[str, Schema], reference: Schema) -> Schema:
    definition: Schema = definitions[reference["$ref"].removeprefix("#/$defs/")]
    return definition


def _choose(section: Schema, kinds: Mapping[str, Schema]) -> None:
    section["additionalProperties"] = {**_choice("type", kinds), "required": ["type"]}


def _choice(key: str, kinds: Mapping[str, Schema]) -> Schema:
    """Make a schema that validates an object against the one that its `key` names."""
    return {
        "type": "object",
        "properties": {key: {"enum": sorted(kinds), "description": "Which plugin it is for."}},
        "allOf": [_if_is(key, kind, schema) for kind, schema in sorted(kinds.items())],
    }


def _if_is(key: str, value: str, then: Schema) -> Schema:
    return {"if": {"properties": {key: {"const": value}}, "required": [key]}, "then": then}


def _options(kind: str, struct: Schema) -> Schema:
    """Make the schema of `{format: <kind>, ...options}`; a preset may bring options that are missing here."""
    properties = {"format": {"const": kind, "description": "The codec."}, **struct["properties"]}
    return {**struct, "properties": properties, "required": []}


def _refine_formats(deployment: Schema, presets: Mapping[str, Preset], options: Mapping[str, str]) -> None:
    properties = deployment["properties"]
    properties["format"]["anyOf"] = [{"enum": sorted(presets)}, {"type": "null"}]
    for direction in DIRECTIONS:
        properties[direction]["anyOf"] = [{"$ref": "#/$defs/codec"}, {"type": "null"}]
    deployment["allOf"] = [
        _if_is("format", name, _changes_of(preset, options)) for name, preset in sorted(presets.items())
    ]


def _changes_of(preset: Preset, options: Mapping[str, str]) -> Schema:
    """Make a schema for overrides that leave the preset's codec as it is."""
    then: dict[str, Schema] = {}
    for direction in DIRECTIONS:
        kind = getattr(preset, direction).get("format")
        if kind in options:
            names_no_codec = {"type": "object", "not": {"required": ["format"]}}
            then[direction] = {"if": names_no_codec, "then": {"$ref": f"#/$defs/{options[kind]}"}}
    return {"properties": then}
