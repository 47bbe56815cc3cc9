"""The registry: entry points become plugins. The only way from the gateway to a concrete adapter."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from adapters.base import API_VERSION, EnginePlugin, Format, FormatPlugin, Preset, SinkPlugin
from gateway.codecs import build_formats, build_request_reader, find_format_problems
from gateway.importing import load_within
from schemas.configuration import DeploymentSettings, EngineSettings, Settings, SinkSettings
from schemas.errors import ConfigurationError

Group = Literal["engines", "formats", "sinks", "presets"]
State = Literal["ready", "broken", "duplicate"]
Plugin = EnginePlugin | FormatPlugin | SinkPlugin | Preset
P = TypeVar("P", EnginePlugin, FormatPlugin, SinkPlugin, Preset)

IMPORT_SECONDS = 30.0
"""A plugin that is not imported by then is broken."""

_PLUGIN: Mapping[Group, type] = {
    "engines": EnginePlugin,
    "formats": FormatPlugin,
    "sinks": SinkPlugin,
    "presets": Preset,
}
_SETTINGS: Mapping[Group, type[Settings]] = {"engines": EngineSettings, "formats": Settings, "sinks": SinkSettings}
_NO_OPTIONS: Mapping[str, Mapping[str, Any]] = {}
_SINGULAR: Mapping[Group, str] = {"engines": "engine", "formats": "format", "sinks": "sink", "presets": "preset"}


class Listing(Struct, frozen=True, kw_only=True):
    """One plugin, as `openscale-gateway plugins` lists it.

    Attributes:
        group: of its entry point, without the prefix `openscale_gateway.`.
        kind: what the configuration calls it; for a broken one the name of its entry point.
        distribution: the package that brought it, and its `version`.
        origin: where its descriptor is, `module:attribute`.
        state: a duplicate is used no more than a broken one is.
        reason: why it is not ready.
    """

    group: Group
    kind: str
    distribution: str
    version: str
    origin: str
    state: State = "ready"
    reason: str | None = None


class _Found(Struct, frozen=True):
    listing: Listing
    plugin: Plugin | None


class Registry:
    """All plugins that are installed. One that can't be used hurts nobody until the configuration names it."""

    def __init__(self, found: Sequence[_Found]) -> None:
        self._rows = tuple(item.listing for item in found)
        self._ready = {
            (item.listing.group, item.listing.kind): item.plugin for item in found if item.listing.state == "ready"
        }

    @classmethod
    def load(cls, *, import_seconds: float = IMPORT_SECONDS) -> "Registry":
        """Import the plugins behind the entry points of the four groups; a fault in one is kept, not raised.

        Args:
            import_seconds: how long each may take.
        """
        found = [
            item
            for group in _PLUGIN
            for entry_point in sorted(entry_points(group=f"openscale_gateway.{group}"), key=_order)
            for item in _read(group, entry_point, import_seconds)
        ]
        return cls(_without_duplicates(found))

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
        yield f"There is no {_SINGULAR[group]} of this name."
        yield from (f"Did you mean {name}?" for name in get_close_matches(kind, ready, n=1))
        yield f"Known: {', '.join(sorted(ready)) or 'none'}."
        # The entry point of a broken plugin may have another name than what it would have brought.
        yield from (row.reason for row in self._rows if row.group == group and row.state == "broken" and row.reason)


def _order(entry_point: EntryPoint) -> tuple[str, str]:
    return entry_point.name, entry_point.value


def _read(group: Group, entry_point: EntryPoint, import_seconds: float) -> list[_Found]:
    distribution = entry_point.dist
    listing = Listing(
        group=group,
        kind=entry_point.name,
        distribution=distribution.name if distribution else "unknown",
        version=distribution.version if distribution else "unknown",
        origin=entry_point.value,
    )
    try:
        plugins = _checked(group, load_within(entry_point, import_seconds))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin is anybody's code: its fault is reported as such
        return [_Found(_broken(listing, error), None)]
    return [_Found(msgspec.structs.replace(listing, kind=_kind(plugin)), plugin) for plugin in plugins]


def _checked(group: Group, loaded: Any) -> list[Plugin]:
    """Refuse what is not a descriptor that this version of the plugin API can use."""
    expected = _PLUGIN[group]
    many = group == "presets" and isinstance(loaded, Sequence) and not isinstance(loaded, str)
    plugins: list[Any] = list(loaded) if many else [loaded]
    stranger = next((plugin for plugin in plugins if not isinstance(plugin, expected)), None)
    if stranger is not None:
        raise TypeError(f"it is of type {type(stranger).__name__}, expected is {expected.__name__}")
    for plugin in plugins:
        if not isinstance(_kind(plugin), str) or not _kind(plugin):
            raise TypeError("it has no name for the configuration")
        if group != "presets":
            _check_contract(group, plugin)
    return plugins


def _check_contract(group: Group, plugin: EnginePlugin | FormatPlugin | SinkPlugin) -> None:
    if plugin.api_version != API_VERSION:
        raise TypeError(
            f"it is made for version {plugin.api_version} of the plugin API, this gateway has {API_VERSION}"
        )
    base = _SETTINGS[group]
    if not (isinstance(plugin.settings, type) and issubclass(plugin.settings, base)):
        raise TypeError(f"its settings are no {base.__name__}")
    msgspec.json.schema(plugin.settings)


def _kind(plugin: Plugin) -> str:
    return plugin.name if isinstance(plugin, Preset) else plugin.kind


def _broken(listing: Listing, error: BaseException) -> Listing:
    reason = (
        f"The plugin {listing.kind} ({_SINGULAR[listing.group]}, {listing.origin}) of {listing.distribution} "
        f"{listing.version} can't be used: {type(error).__name__}: {error}. Upgrade or uninstall that distribution."
    )
    return msgspec.structs.replace(listing, state="broken", reason=reason)


def _without_duplicates(found: Sequence[_Found]) -> list[_Found]:
    owners: dict[tuple[Group, str], list[Listing]] = {}
    for item in found:
        if item.plugin is not None:
            owners.setdefault((item.listing.group, item.listing.kind), []).append(item.listing)
    return [_marked(item, owners.get((item.listing.group, item.listing.kind), [])) for item in found]


def _marked(item: _Found, owners: Sequence[Listing]) -> _Found:
    if item.plugin is None or len(owners) == 1:
        return item
    claims = " and ".join(f"{owner.distribution} {owner.version} ({owner.origin})" for owner in owners)
    reason = f"The {_SINGULAR[item.listing.group]} {item.listing.kind} is claimed by {claims}: uninstall all but one."
    return _Found(msgspec.structs.replace(item.listing, state="duplicate", reason=reason), item.plugin)
