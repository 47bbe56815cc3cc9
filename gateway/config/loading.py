"""From a file to a configuration, or to the list of all its mistakes."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from adapters.base import EnginePlugin, SinkPlugin
from gateway.config.checks import check
from gateway.config.composition import compose_schema
from gateway.config.configuration import Configuration, Draft, EngineConfiguration, SinkConfiguration
from gateway.config.conversion import convert
from gateway.config.expansion import expand
from gateway.config.findings import Findings
from gateway.config.plugin_names import find_plugins
from gateway.config.plugin_schemas import blaming_schemas
from gateway.config.validation import validate
from gateway.config.yaml_tree import Document, parse_yaml
from gateway.faults import blaming
from gateway.registry import Registry
from schemas.configuration import AuthSettings, ConfiguredDeployment, PayloadLogSettings, ServerSettings, Settings
from schemas.errors import ConfigurationError

P = TypeVar("P", EnginePlugin, SinkPlugin)
S = TypeVar("S", bound=Settings)
Section = Literal["engines", "sinks"]


def load(path: str | Path, registry: Registry, environ: Mapping[str, str] = os.environ) -> Configuration:
    """Read a configuration file.

    Paths in it, those of `${file:...}` included, are relative to the working directory.

    Args:
        path: of the YAML file.
        registry: the plugins that it may name.
        environ: what `${NAME}` is looked up in.

    Raises:
        ConfigurationError: with every mistake, each as `file.yaml:12:5: engines.aws.region: sentence`, in the order
            of the file.
    """
    document = _read(path)
    findings = Findings(document.findings)
    draft = _draft(document, registry, environ, findings)
    if findings or draft is None:
        raise ConfigurationError(findings.lines(str(path), document.marks))
    return draft.complete(Path(path))


def _read(path: str | Path) -> Document:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError([f"{path}: The configuration can't be read: {error.strerror}."]) from error
    return parse_yaml(content)


def _draft(document: Document, registry: Registry, environ: Mapping[str, str], findings: Findings) -> Draft | None:
    if not document.readable:
        return None
    expanded = expand(document.value, environ, findings)
    find_plugins(expanded.value, registry, findings)
    with blaming_schemas(registry):
        tree = validate(expanded, compose_schema(registry), findings)
    if not isinstance(tree, dict):
        return None
    draft = _Converter(tree, findings, registry).draft()
    for place, sentence in [item for item in check(draft, registry) if not findings.covers(item[0])]:
        findings.add(place, sentence)
    return draft


class _Converter:
    """Makes structs of the sections that have no mistake."""

    def __init__(self, tree: dict[str, Any], findings: Findings, registry: Registry) -> None:
        self._tree = tree
        self._findings = findings
        self._registry = registry

    def draft(self) -> Draft:
        return Draft(
            tree=self._tree,
            server=self._section("server", ServerSettings),
            auth=self._section("auth", AuthSettings),
            payload_log=self._section("payload_log", PayloadLogSettings),
            engines=self._engines(),
            deployments=self._deployments(),
            sinks=self._sinks(),
        )

    def _engines(self) -> dict[str, EngineConfiguration]:
        return {
            name: EngineConfiguration(name, plugin, settings, package)
            for name, plugin, package in self._plugins("engines", self._registry.engine)
            if (settings := self._plugin_entry("engines", name, plugin.settings, package)) is not None
        }

    def _deployments(self) -> dict[str, ConfiguredDeployment]:
        return {
            name: settings
            for name in self._names("deployments")
            if (settings := self._entry("deployments", name, ConfiguredDeployment)) is not None
        }

    def _sinks(self) -> dict[str, SinkConfiguration]:
        return {
            name: SinkConfiguration(name, plugin, settings, package)
            for name, plugin, package in self._plugins("sinks", self._registry.sink)
            if (settings := self._plugin_entry("sinks", name, plugin.settings, package)) is not None
        }

    def _section(self, name: str, struct: type[S]) -> S | None:
        if self._findings.touches((name,)):
            return None
        return convert(self._tree.get(name, {}), struct, (name,), self._findings)

    def _names(self, section: str) -> list[str]:
        entries = self._tree.get(section, {})
        return [name for name in entries if not self._bad(section, name)] if isinstance(entries, dict) else []

    def _plugins(self, section: Section, find: Callable[[str], P]) -> Iterator[tuple[str, P, str]]:
        for name in self._names(section):
            kind = self._tree[section][name]["type"]
            yield name, find(kind), self._registry.package(section, kind)

    def _entry(self, section: str, name: str, struct: type[S]) -> S | None:
        return convert(self._tree[section][name], struct, (section, name), self._findings)

    def _plugin_entry(self, section: Section, name: str, struct: type[S], package: str) -> S | None:
        try:
            with blaming(f"The plugin {self._tree[section][name]['type']} of {package}", "its settings struct"):
                return self._entry(section, name, struct)
        except ConfigurationError as error:
            self._findings.add((section, name), error.message)
            return None

    def _bad(self, section: str, name: str) -> bool:
        return self._findings.touches((section, name)) or self._findings.covers((section, name))
