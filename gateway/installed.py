"""What is installed beside the gateway: entry points read into plugins, each with its origin, the unusable included."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Literal

import msgspec
from msgspec import Struct

from adapters.base import FormatPlugin, Preset
from gateway.descriptors import SINGULAR, Group, Plugin, descriptors, kind_of
from gateway.faults import Fault, attempted
from gateway.importing import Imported, import_all
from gateway.preset_checks import check_preset
from schemas.configuration import ConfigurationFile

State = Literal["ready", "broken", "duplicate"]


class Listing(Struct, frozen=True, kw_only=True):
    """One plugin, as `openscale-gateway plugins` lists it.

    Attributes:
        group: of its entry point, without the prefix `openscale_gateway.`.
        kind: what the configuration calls it; for a broken one the name of its entry point.
        distribution: the package that brought it, and its `version`.
        entry_point: its name.
        origin: where its descriptor is, `module:attribute`.
        state: a duplicate is used no more than a broken one is.
        reason: why it is not ready.
    """

    group: Group
    kind: str
    distribution: str
    version: str
    entry_point: str
    origin: str
    state: State = "ready"
    reason: str | None = None

    @property
    def package(self) -> str:
        """Name and version of the distribution."""
        return f"{self.distribution} {self.version}"


class Installed(Struct, frozen=True):
    """A row of the listing, and its plugin; None where it could not be made."""

    listing: Listing
    plugin: Plugin | None


def read_installed(import_seconds: float) -> list[Installed]:
    """Import the plugins behind the entry points of the four groups; a fault in one is kept, not raised.

    Args:
        import_seconds: how long all of them may take together.
    """
    known = entry_points()
    named = [
        (group, entry_point)
        for group in SINGULAR
        for entry_point in sorted(known.select(group=f"openscale_gateway.{group}"), key=_order)
    ]
    imported = import_all([entry_point for _, entry_point in named], import_seconds)
    found = [
        item
        for (group, entry_point), outcome in zip(named, imported, strict=True)
        for item in _read(group, entry_point, outcome)
    ]
    return _with_presets_checked(_with_duplicates_marked(_with_settings_checked(found)))


def _order(entry_point: EntryPoint) -> tuple[str, str]:
    return entry_point.name, entry_point.value


def _read(group: Group, entry_point: EntryPoint, imported: Imported) -> list[Installed]:
    distribution, version = _package(entry_point)
    listing = Listing(
        group=group,
        kind=entry_point.name,
        distribution=distribution,
        version=version,
        entry_point=entry_point.name,
        origin=entry_point.value,
    )
    if imported.fault is not None:
        return [_broken(listing, Fault.of(imported.fault))]
    plugins = attempted(partial(descriptors, group, imported.value))
    if isinstance(plugins, Fault):
        return [_broken(listing, plugins)]
    return [Installed(msgspec.structs.replace(listing, kind=kind_of(plugin)), plugin) for plugin in plugins]


def _package(entry_point: EntryPoint) -> tuple[str, str]:
    """Return name and version; what is left of a package after an uninstallation that went wrong has neither."""
    distribution = entry_point.dist
    if distribution is None:
        return "unknown", "unknown"
    metadata = attempted(lambda: (distribution.name, distribution.version))
    name, version = ("", "") if isinstance(metadata, Fault) else metadata
    return name or "unknown", version or "unknown"


def _broken(listing: Listing, fault: Fault) -> Installed:
    reason = (
        f"The plugin {listing.kind} ({SINGULAR[listing.group]}, {listing.origin}) of {listing.package} can't be used: "
        f"{fault.told}. Upgrade or uninstall that distribution."
    )
    return Installed(msgspec.structs.replace(listing, state="broken", reason=reason), None)


def _sound(item: Installed, check: Callable[[], object]) -> Installed:
    fault = attempted(check)
    return _broken(item.listing, fault) if isinstance(fault, Fault) else item


def _with_settings_checked(found: Sequence[Installed]) -> list[Installed]:
    """Refuse settings that can't be in one schema with those before them: other structs of the same full name."""
    if not isinstance(attempted(partial(_compose, [ConfigurationFile, *map(_settings, found)])), Fault):
        return list(found)
    together: list[type | None] = [ConfigurationFile]
    checked = []
    for item in found:
        checked.append(_sound(item, partial(_compose, [*together, _settings(item)])))
        together.append(_settings(checked[-1]))
    return checked


def _settings(item: Installed) -> type | None:
    return None if item.plugin is None or isinstance(item.plugin, Preset) else item.plugin.settings


def _compose(structs: Sequence[type | None]) -> None:
    try:
        msgspec.json.schema_components([struct for struct in structs if struct is not None])
    except KeyError:
        raise TypeError("a struct of its settings has the module and name of another one") from None


def _with_duplicates_marked(found: Sequence[Installed]) -> list[Installed]:
    owners: dict[tuple[Group, str], list[Listing]] = {}
    for item in found:
        if item.plugin is not None:
            owners.setdefault((item.listing.group, item.listing.kind), []).append(item.listing)
    return [_marked(item, owners.get((item.listing.group, item.listing.kind), [])) for item in found]


def _marked(item: Installed, owners: Sequence[Listing]) -> Installed:
    if item.plugin is None or len(owners) == 1:
        return item
    claims = " and ".join(f"{owner.package} (entry point {owner.entry_point}, {owner.origin})" for owner in owners)
    way_out = "remove one" if len({owner.package for owner in owners}) == 1 else "uninstall all but one"
    reason = f"The {SINGULAR[item.listing.group]} {item.listing.kind} is claimed by {claims}: {way_out}."
    return Installed(msgspec.structs.replace(item.listing, state="duplicate", reason=reason), item.plugin)


def _with_presets_checked(found: Sequence[Installed]) -> list[Installed]:
    # One that can't be used is refused by its own reason, where a deployment comes to need it.
    codecs = {
        item.listing.kind: item.plugin if isinstance(item.plugin, FormatPlugin) else None
        for item in found
        if item.listing.group == "formats"
    }
    return [
        _sound(item, partial(check_preset, item.plugin, codecs))
        if isinstance(item.plugin, Preset) and item.listing.state == "ready"
        else item
        for item in found
    ]
