"""The registry: entry points become plugins. The only way from the gateway to a concrete adapter."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from adapters.base import EnginePlugin, Format, FormatPlugin, Preset, SinkPlugin
from gateway.codecs import Direction, build_formats, build_request_reader, find_format_problems, format_title
from gateway.descriptors import SINGULAR, Group
from gateway.installed import Installed, Listing, read_installed
from schemas.configuration import DeploymentSettings
from schemas.errors import ConfigurationError

P = TypeVar("P", EnginePlugin, FormatPlugin, SinkPlugin, Preset)

IMPORT_SECONDS = 30.0
"""All plugins are imported by then, or broken."""

_NO_OPTIONS: Mapping[str, Mapping[str, Any]] = {}


class Registry:
    """All plugins that are installed. One that can't be used hurts nobody until the configuration names it."""

    def __init__(self, found: Sequence[Installed]) -> None:
        self._rows = tuple(item.listing for item in found)
        self._ready = {
            (item.listing.group, item.listing.kind): item.plugin for item in found if item.listing.state == "ready"
        }

    @classmethod
    def load(cls, *, import_seconds: float = IMPORT_SECONDS) -> "Registry":
        """Import the plugins behind the entry points of the four groups; a fault in one is kept, not raised.

        Args:
            import_seconds: how long all of them may take together.
        """
        return cls(read_installed(import_seconds))

    def listing(self) -> tuple[Listing, ...]:
        """Return a row for each plugin, the unusable included."""
        return self._rows

    @property
    def engines(self) -> dict[str, EnginePlugin]:
        """The usable ones, by kind; so are `formats` and `sinks`, and `presets` by name."""
        return self._group("engines", EnginePlugin)

    @property
    def formats(self) -> dict[str, FormatPlugin]:
        """The usable codecs, by kind."""
        return self._group("formats", FormatPlugin)

    @property
    def sinks(self) -> dict[str, SinkPlugin]:
        """The usable sinks, by kind."""
        return self._group("sinks", SinkPlugin)

    @property
    def presets(self) -> dict[str, Preset]:
        """The usable presets, by name."""
        return self._group("presets", Preset)

    def engine(self, kind: str) -> EnginePlugin:
        """Return the engine of this kind; `format`, `sink` and `preset` are alike.

        Raises:
            ConfigurationError: there is none, or it can't be used; the message says why and lists those there are.
        """
        return self._find("engines", kind, self.engines)

    def format(self, kind: str) -> FormatPlugin:
        """Return the codec of this kind."""
        return self._find("formats", kind, self.formats)

    def sink(self, kind: str) -> SinkPlugin:
        """Return the sink of this kind."""
        return self._find("sinks", kind, self.sinks)

    def preset(self, name: str) -> Preset:
        """Return the preset of this name."""
        return self._find("presets", name, self.presets)

    def package(self, group: Group, kind: str) -> str:
        """Return name and version of the distribution that brought a usable plugin."""
        return next(row.package for row in self._rows if (row.group, row.kind, row.state) == (group, kind, "ready"))

    def compile_formats(
        self, settings: DeploymentSettings, request_options: Mapping[str, Mapping[str, Any]] = _NO_OPTIONS
    ) -> tuple[Format, Format]:
        """Build the codecs of a deployment, for its requests and for its responses.

        Args:
            settings: of the deployment.
            request_options: those that its endpoint brings, by codec.

        Raises:
            ConfigurationError: its formats are incomplete or contradict each other, each problem with its place.
        """
        return build_formats(self, settings, request_options)

    def compile_request_reader(
        self,
        settings: DeploymentSettings,
        columns: Sequence[str] | None,
        request_options: Mapping[str, Mapping[str, Any]] = _NO_OPTIONS,
    ) -> Format:
        """Build the codec that reads what a native client sends to the endpoint of a deployment.

        Args:
            settings: of the deployment, without `format_problems`.
            columns: of the endpoint: names for bodies that have none.
            request_options: those that its endpoint brings, by codec.

        Raises:
            ConfigurationError: the columns are no names for it.
        """
        return build_request_reader(self, settings, columns, request_options)

    def format_problems(self, settings: DeploymentSettings) -> list[tuple[str, str]]:
        """Return (place, sentence) for each reason why `compile_formats` would fail."""
        return find_format_problems(self, settings)

    def format_title(self, settings: DeploymentSettings, direction: Direction) -> str:
        """Return what to call one codec of a deployment in a message; it has no `format_problems`."""
        return format_title(self, settings, direction)

    def _group(self, group: Group, kind_of_plugin: type[P]) -> dict[str, P]:
        return {
            kind: plugin
            for (owner, kind), plugin in self._ready.items()
            if owner == group and isinstance(plugin, kind_of_plugin)
        }

    def _find(self, group: Group, kind: str, ready: Mapping[str, P]) -> P:
        plugin = ready.get(kind)
        if plugin is not None:
            return plugin
        for row in self._rows:
            if (row.group, row.kind) == (group, kind) and row.reason:
                raise ConfigurationError([row.reason])
        raise ConfigurationError([" ".join(self._why_none(group, kind, ready))])

    def _why_none(self, group: Group, kind: str, ready: Mapping[str, P]) -> Iterator[str]:
        yield f"There is no {SINGULAR[group]} of this name."
        yield from (f"Did you mean {name}?" for name in get_close_matches(kind, ready, n=1))
        yield f"Known: {', '.join(sorted(ready)) or 'none'}."
        # The entry point of a broken plugin may have another name than what it would have brought.
        yield from (row.reason for row in self._rows if row.group == group and row.state == "broken" and row.reason)
