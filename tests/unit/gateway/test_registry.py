import os
from pathlib import Path

import pytest

from gateway.installed import Listing
from gateway.registry import Registry
from schemas.configuration import DeploymentSettings
from schemas.errors import ConfigurationError
from tests.plugin_distributions import EXAMPLE, write_distribution

ME = "tests.example_plugins"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def row(registry: Registry, kind: str) -> Listing:
    return next(item for item in registry.listing() if item.kind == kind)


@pytest.fixture
def example(folder: Path) -> Registry:
    write_distribution(folder, "example-plugins", EXAMPLE)
    return Registry.load()


def test_plugins_of_every_group_are_found_by_what_the_configuration_calls_them(example: Registry) -> None:
    assert example.engine("tin").kind == "tin"
    assert example.sink("pail").kind == "pail"
    assert example.format("plain").kind == "plain"
    assert example.preset("tin-text").request["width"] == 2


def test_the_listing_says_where_a_plugin_comes_from(example: Registry) -> None:
    assert row(example, "tin") == Listing(
        group="engines",
        kind="tin",
        distribution="example-plugins",
        version="1.2",
        entry_point="tin",
        origin=f"{ME}:engine",
        state="ready",
        reason=None,
    )


def test_every_preset_of_a_sequence_is_listed(example: Registry) -> None:
    assert {item.kind for item in example.listing() if item.group == "presets"} >= {"tin-text", "tin-lost"}


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("absent", "no_such_module_of_anybody:plugin", "ModuleNotFoundError"),
        ("typo", f"{ME}:enigne", "AttributeError"),
        ("misfit", f"{ME}:misfit", "it is of type str, expected is EnginePlugin"),
        ("wrong-group", f"{ME}:sink", "it is of type SinkPlugin, expected is EnginePlugin"),
        ("old", f"{ME}:old_engine", "it is made for version 0 of the plugin API, this gateway has 1"),
        ("loose", f"{ME}:not_settings", "its settings are no EngineSettings"),
        ("strange", f"{ME}:strange_engine", "TypeError"),
    ],
)
def test_a_broken_plugin_is_named_and_hurts_no_other(folder: Path, kind: str, value: str, reason: str) -> None:
    write_distribution(folder, "example-plugins", EXAMPLE)
    write_distribution(folder, "bad-plugins", {"engines": {kind: value}}, version="0.3")

    registry = Registry.load()

    assert registry.engine("tin")
    assert kind not in registry.engines
    broken = row(registry, kind)
    assert broken.state == "broken"
    assert "of bad-plugins 0.3 can't be used" in str(broken.reason)
    assert reason in str(broken.reason)
    with pytest.raises(ConfigurationError, match=r"bad-plugins 0\.3"):
        registry.engine(kind)


def test_a_module_that_exits_when_imported_is_a_broken_plugin(folder: Path) -> None:
    (folder / "module_that_exits_at_import.py").write_text("raise SystemExit(3)\n")
    write_distribution(folder, "bad-plugins", {"sinks": {"exits": "module_that_exits_at_import:plugin"}})
    assert row(Registry.load(), "exits").state == "broken"


def test_a_module_whose_import_never_ends_is_a_broken_plugin_and_delays_no_other_for_ever(folder: Path) -> None:
    write_distribution(folder, "example-plugins", EXAMPLE)
    gate = folder / "gate"
    os.mkfifo(gate)
    # Whoever reads it waits until somebody writes.
    (folder / "module_that_waits_at_import.py").write_text(f"import pathlib\npathlib.Path({str(gate)!r}).read_text()\n")
    write_distribution(folder, "bad-plugins", {"engines": {"a-waiter": "module_that_waits_at_import:plugin"}})

    registry = Registry.load(import_seconds=1.0)
    gate.write_text("")

    assert registry.engine("tin")
    with pytest.raises(ConfigurationError, match=r"bad-plugins 1\.2 .* did not end within 1 s"):
        registry.engine("a-waiter")


def test_a_kind_that_two_distributions_claim_is_refused_with_both_names(folder: Path) -> None:
    write_distribution(folder, "example-plugins", EXAMPLE)
    write_distribution(folder, "other-plugins", {"engines": {"also-tin": f"{ME}:engine"}}, version="2.0")

    registry = Registry.load()

    assert [item.state for item in registry.listing() if item.kind == "tin"] == ["duplicate", "duplicate"]
    with pytest.raises(ConfigurationError, match="uninstall all but one") as refused:
        registry.engine("tin")
    (reason,) = refused.value.problems
    assert "example-plugins 1.2" in reason
    assert "other-plugins 2.0" in reason
    assert registry.sink("pail").kind == "pail"


def test_a_broken_plugin_does_not_compete_for_its_kind(folder: Path) -> None:
    write_distribution(folder, "example-plugins", EXAMPLE)
    write_distribution(folder, "bad-plugins", {"engines": {"tin": "no_such_module_of_anybody:plugin"}})
    registry = Registry.load()
    assert registry.engine("tin").kind == "tin"


@pytest.mark.parametrize("find", ["engine", "format", "sink", "preset"])
def test_an_unknown_name_is_answered_with_the_known_ones(example: Registry, find: str) -> None:
    known = {"engine": "tin", "format": "plain", "sink": "pail", "preset": "tin-text"}[find]
    with pytest.raises(ConfigurationError, match=f"There is no {find} of this name.*Known: .*{known}"):
        getattr(example, find)("nothing-like-it")


def test_a_misspelt_name_is_answered_with_the_one_that_was_meant(example: Registry) -> None:
    with pytest.raises(ConfigurationError, match=r"Did you mean pail\?"):
        example.sink("pial")


def test_broken_presets_are_named_when_a_preset_is_missing(folder: Path) -> None:
    write_distribution(folder, "bad-plugins", {"presets": {"all": "no_such_module_of_anybody:presets"}})
    with pytest.raises(ConfigurationError, match=r"bad-plugins 1\.2"):
        Registry.load().preset("anything")


def test_a_preset_brings_both_codecs(example: Registry) -> None:
    request, response = example.compile_formats(DeploymentSettings(format="tin-text"))
    assert request.settings.header is True
    assert request.settings.width == 2
    assert response.settings.header is False


def test_an_override_without_format_changes_single_options_of_the_preset(example: Registry) -> None:
    settings = DeploymentSettings(format="tin-text", request={"fields": ["a", "b"]})
    request, _ = example.compile_formats(settings)
    assert request.settings.fields == ("a", "b")
    assert request.settings.header is True


def test_an_override_with_the_same_format_changes_single_options_too(example: Registry) -> None:
    request, _ = example.compile_formats(DeploymentSettings(format="tin-text", request={"format": "plain", "width": 5}))
    assert (request.settings.header, request.settings.width) == (True, 5)


def test_an_override_with_another_format_replaces_the_preset(example: Registry) -> None:
    request, response = example.compile_formats(DeploymentSettings(format="tin-text", request={"format": "other"}))
    assert request.media_type == "x/other"
    assert response.media_type == "text/plain"


def test_formats_need_no_preset(example: Registry) -> None:
    settings = DeploymentSettings(request={"format": "other", "depth": 1}, response={"format": "plain"})
    assert [codec.media_type for codec in example.compile_formats(settings)] == ["x/other", "text/plain"]


def test_compiling_leaves_the_settings_as_they_are(example: Registry) -> None:
    settings = DeploymentSettings(request={"format": "other", "depth": 1}, response={"format": "plain"})
    example.compile_formats(settings)
    assert settings.request == {"format": "other", "depth": 1}


@pytest.mark.parametrize(
    ("settings", "places"),
    [
        (DeploymentSettings(), ["request", "response"]),
        (DeploymentSettings(request={"format": "plain"}), ["response"]),
        (DeploymentSettings(response={"width": 1}, request={"format": "plain"}), ["response"]),
        (DeploymentSettings(format="nothing"), ["format"]),
        (DeploymentSettings(format="tin-lost"), ["format"]),
        (DeploymentSettings(format="tin-open"), ["format"]),
        (DeploymentSettings(format="tin-open", request={"header": True}), ["request"]),
        (DeploymentSettings(format="tin-text", request={"format": "nothing"}), ["request.format"]),
        (DeploymentSettings(format="tin-text", request={"fields": ["a"]}), ["request"]),
        (DeploymentSettings(format="tin-text", response={"width": "many"}), ["response"]),
    ],
)
def test_formats_that_do_not_work_are_refused_with_their_places(
    example: Registry, settings: DeploymentSettings, places: list[str]
) -> None:
    assert [place for place, _ in example.format_problems(settings)] == places
    with pytest.raises(ConfigurationError) as raised:
        example.compile_formats(settings)
    assert [line.partition(": ")[0] for line in raised.value.problems] == places


def test_what_only_the_author_of_a_preset_wrote_is_blamed_on_the_preset(example: Registry) -> None:
    (problem,) = example.format_problems(DeploymentSettings(format="tin-open"))
    whose = "The preset tin-open of example-plugins 1.2, in its `request`: "
    assert problem == ("format", f"{whose}`fields` must be as many as `width`.")


def test_a_deployment_fills_in_what_a_preset_leaves_open(example: Registry) -> None:
    request, _ = example.compile_formats(DeploymentSettings(format="tin-open", request={"width": 2}))
    assert request.settings.width == 2


def test_a_plugin_is_known_by_the_package_that_brought_it(example: Registry) -> None:
    assert example.package("sinks", "pail") == "example-plugins 1.2"


def test_every_built_in_preset_compiles() -> None:
    registry = Registry.load()
    built_in = [
        row.kind for row in registry.listing() if (row.group, row.distribution) == ("presets", "openscale-gateway")
    ]
    assert len(built_in) >= 10
    for name in built_in:
        assert len(registry.compile_formats(DeploymentSettings(format=name))) == 2
