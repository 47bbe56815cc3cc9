"""The frozen tree that the rest of the gateway is built from, and what there is of it before that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from adapters.base import EnginePlugin, SinkPlugin
from schemas.configuration import (
    AuthSettings,
    ConfiguredDeployment,
    EngineSettings,
    PayloadLogSettings,
    ServerSettings,
    SinkSettings,
)


class EngineConfiguration(Struct, frozen=True):
    """An entry of `engines`: its settings are of the struct that its plugin names, which came with `package`."""

    name: str
    plugin: EnginePlugin
    settings: EngineSettings
    package: str = "unknown"

    @property
    def title(self) -> str:
        """What to call it in a message: its place, its kind and the package to look at."""
        return f"engines.{self.name} (type {self.plugin.kind}, of {self.package})"


class SinkConfiguration(Struct, frozen=True):
    """An entry of `sinks`: its settings are of the struct that its plugin names, which came with `package`."""

    name: str
    plugin: SinkPlugin
    settings: SinkSettings
    package: str = "unknown"

    @property
    def title(self) -> str:
        """What to call it in a message, as for an engine."""
        return f"sinks.{self.name} (type {self.plugin.kind}, of {self.package})"


class Configuration(Struct, frozen=True, kw_only=True):
    """A whole configuration without a mistake. `source_path` is the file that it was read from."""

    source_path: Path
    server: ServerSettings
    auth: AuthSettings
    payload_log: PayloadLogSettings
    engines: Mapping[str, EngineConfiguration]
    deployments: Mapping[str, ConfiguredDeployment]
    sinks: Mapping[str, SinkConfiguration]


class Draft(Struct, frozen=True, kw_only=True):
    """What could be made of a file so far.

    Sections that have a mistake are None, entries that have one are left out; `tree` still has all of them.
    """

    tree: Mapping[str, Any]
    server: ServerSettings | None
    auth: AuthSettings | None
    payload_log: PayloadLogSettings | None
    engines: Mapping[str, EngineConfiguration]
    deployments: Mapping[str, ConfiguredDeployment]
    sinks: Mapping[str, SinkConfiguration]

    def names(self, section: str) -> list[str]:
        """Return the names of the entries of a section, those with mistakes included."""
        entries = self.tree.get(section, {})
        return list(entries) if isinstance(entries, dict) else []

    def complete(self, source_path: Path) -> Configuration:
        """Return the configuration; nothing may be missing."""
        if self.server is None or self.auth is None or self.payload_log is None:
            raise RuntimeError("A draft with mistakes was completed.")
        return Configuration(
            source_path=source_path,
            server=self.server,
            auth=self.auth,
            payload_log=self.payload_log,
            engines=self.engines,
            deployments=self.deployments,
            sinks=self.sinks,
        )
