from gateway.config.findings import Findings
from gateway.config.plugin_names import find_plugins
from gateway.registry import Registry


def places(tree: object, registry: Registry) -> list[str]:
    findings = Findings()
    find_plugins(tree, registry, findings)
    return [line.split(": ")[1] for line in findings.lines("f", {})]


def test_every_place_that_names_a_plugin_is_looked_at(registry: Registry) -> None:
    formats = {"format": "?", "request": {"format": "?"}, "response": {"format": "?"}}
    tree = {
        "engines": {"e": {"type": "?", "defaults": formats}},
        "sinks": {"s": {"type": "?"}},
        "deployments": {"d": formats},
    }
    assert places(tree, registry) == [
        "deployments.d.format",
        "deployments.d.request.format",
        "deployments.d.response.format",
        "engines.e.defaults.format",
        "engines.e.defaults.request.format",
        "engines.e.defaults.response.format",
        "engines.e.type",
        "sinks.s.type",
    ]


def test_known_names_and_what_is_no_name_are_left_to_others(registry: Registry) -> None:
    tree = {
        "engines": {"e": {"type": "tin", "defaults": 3}, "f": {"type": 3}, "g": None},
        "sinks": [],
        "deployments": 1,
    }
    assert places(tree, registry) == []
    assert places(None, registry) == []
