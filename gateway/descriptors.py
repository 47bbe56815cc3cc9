"""What an entry point names: a descriptor that this version of the plugin API can use, or a reason why it is none."""

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from adapters.base import API_VERSION, EnginePlugin, FormatPlugin, Preset, SinkPlugin
from gateway.codecs import DIRECTIONS
from schemas.configuration import EngineSettings, Settings, SinkSettings

Group = Literal["engines", "formats", "sinks", "presets"]
Plugin = EnginePlugin | FormatPlugin | SinkPlugin | Preset

SINGULAR: Mapping[Group, str] = {"engines": "engine", "formats": "format", "sinks": "sink", "presets": "preset"}

_DESCRIPTOR: Mapping[Group, type[Plugin]] = {
    "engines": EnginePlugin,
    "formats": FormatPlugin,
    "sinks": SinkPlugin,
    "presets": Preset,
}


def descriptors(group: Group, named: Any) -> list[Plugin]:
    """Return the descriptors that an entry point of this group names: one, or a sequence of presets.

    Raises:
        TypeError: it is none that this gateway can use, with the reason; the code of the plugin may raise anything.
    """
    many = group == "presets" and isinstance(named, Sequence) and not isinstance(named, str)
    return [_checked(item, _DESCRIPTOR[group]) for item in (named if many else [named])]


def kind_of(plugin: Plugin) -> str:
    """Return what the configuration calls it."""
    return plugin.name if isinstance(plugin, Preset) else plugin.kind


def _checked(item: Any, expected: type[Plugin]) -> Plugin:
    if not isinstance(item, expected):
        raise TypeError(f"it is of type {type(item).__name__}, expected is {expected.__name__}")
    kind: Any = kind_of(item)
    if not isinstance(kind, str) or not kind or not kind.isprintable():
        raise TypeError("it has no name that a configuration could say")
    _check(item)
    return item


def _check(plugin: Plugin) -> None:
    match plugin:
        case EnginePlugin():
            _check_contract(plugin, EngineSettings)
            _check_connect(plugin.connect)
            _check_seconds(plugin.timeout_seconds)
        case SinkPlugin():
            _check_contract(plugin, SinkSettings)
            _check_connect(plugin.connect)
        case FormatPlugin():
            _check_contract(plugin, Settings)
            if not callable(plugin.build):
                raise TypeError("its `build` can't be called")
        case Preset():
            for direction in DIRECTIONS:
                _check_options(direction, getattr(plugin, direction))


def _check_contract(plugin: EnginePlugin | FormatPlugin | SinkPlugin, base: type[Settings]) -> None:
    if plugin.api_version != API_VERSION:
        raise TypeError(
            f"it is made for version {plugin.api_version} of the plugin API, this gateway has {API_VERSION}"
        )
    if not (isinstance(plugin.settings, type) and issubclass(plugin.settings, base)):
        raise TypeError(f"its settings are no {base.__name__}")
    if plugin.settings.__struct_config__.array_like:
        raise TypeError("its settings are an array, expected are keys with values")
    msgspec.json.schema(plugin.settings)


def _check_connect(connect: Any) -> None:
    if not callable(connect):
        raise TypeError("its `connect` can't be called")
    if inspect.isasyncgenfunction(connect) or inspect.iscoroutinefunction(connect):
        raise TypeError("its `connect` is no async context manager: put @asynccontextmanager above it, and `yield`")


def _check_seconds(seconds: Any) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        raise TypeError("its `timeout_seconds` is no number of seconds above 0")


def _check_options(direction: str, options: Any) -> None:
    if not isinstance(options, Mapping) or not all(isinstance(name, str) for name in options):
        raise TypeError(f"its `{direction}` is no mapping from names to options")
    if not isinstance(options.get("format", ""), str):
        raise TypeError(f"its `{direction}.format` is no name of a codec")
