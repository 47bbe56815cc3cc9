"""The parts of the schema that plugins bring: whose they are where the whole can't be used."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from adapters.base import EnginePlugin, FormatPlugin, SinkPlugin
from gateway.descriptors import SINGULAR, Group
from gateway.registry import Registry
from schemas.errors import ConfigurationError


@contextmanager
def blaming_schemas(registry: Registry) -> Iterator[None]:
    """Name the plugins whose settings have no valid JSON Schema, where a validation with it fails in the block.

    To look at all of them beforehand would make each start slower by more than a second.

    Raises:
        ConfigurationError: a sentence for each such plugin.
    """
    try:
        yield
    except Exception as error:
        problems = list(_problems(registry))
        if not problems:
            raise
        raise ConfigurationError(problems) from error


def _problems(registry: Registry) -> Iterator[str]:
    groups: tuple[tuple[Group, Mapping[str, EnginePlugin | FormatPlugin | SinkPlugin]], ...] = (
        ("engines", registry.engines),
        ("formats", registry.formats),
        ("sinks", registry.sinks),
    )
    for group, plugins in groups:
        for kind, plugin in plugins.items():
            try:
                Draft202012Validator.check_schema(msgspec.json.schema(plugin.settings))
            except SchemaError as error:
                place = ".".join(str(step) for step in error.absolute_path)
                yield (
                    f"The plugin {kind} ({SINGULAR[group]}) of {registry.package(group, kind)} can't be used: the JSON "
                    f"Schema of its settings is wrong at {place}."
                )
