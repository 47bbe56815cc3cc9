"""The plugins that a configuration names, wherever it does."""

from collections.abc import Callable, Iterator
from typing import Any

from gateway.codecs import DIRECTIONS
from gateway.config.findings import Findings, Place
from gateway.registry import Registry
from schemas.errors import ConfigurationError

Named = tuple[Place, Any, Callable[[str], object]]


def find_plugins(tree: Any, registry: Registry, findings: Findings) -> None:
    """Say of each name without a usable plugin why it has none: a schema could only list those that are left."""
    for place, name, find in _names(tree, registry):
        if isinstance(name, str) and not findings.covers(place):
            try:
                find(name)
            except ConfigurationError as error:
                findings.add(place, error.message)


def _names(tree: Any, registry: Registry) -> Iterator[Named]:
    for place, engine in _entries(tree, "engines"):
        yield (*place, "type"), engine.get("type"), registry.engine
        defaults = engine.get("defaults")
        if isinstance(defaults, dict):
            yield from _formats((*place, "defaults"), defaults, registry)
    for place, sink in _entries(tree, "sinks"):
        yield (*place, "type"), sink.get("type"), registry.sink
    for place, deployment in _entries(tree, "deployments"):
        yield from _formats(place, deployment, registry)


def _formats(place: Place, deployment: dict[str, Any], registry: Registry) -> Iterator[Named]:
    yield (*place, "format"), deployment.get("format"), registry.preset
    for direction in DIRECTIONS:
        options = deployment.get(direction)
        if isinstance(options, dict):
            yield (*place, direction, "format"), options.get("format"), registry.format


def _entries(tree: Any, section: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    entries = tree.get(section) if isinstance(tree, dict) else None
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if isinstance(entry, dict):
            yield (section, name), entry
