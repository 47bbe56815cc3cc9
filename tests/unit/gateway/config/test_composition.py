from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from gateway.config import compose_schema
from gateway.registry import Registry
from tests.plugin_distributions import write_distribution


@pytest.fixture
def validator(registry: Registry) -> Draft202012Validator:
    return Draft202012Validator(compose_schema(registry))


def valid(validator: Draft202012Validator, section: str, entry: object) -> bool:
    return bool(validator.is_valid({section: {"x": entry}}))


def test_it_is_a_json_schema(validator: Draft202012Validator) -> None:
    Draft202012Validator.check_schema(validator.schema)


def test_it_validates_the_example(validator: Draft202012Validator) -> None:
    text = Path("deploy/example.yaml").read_text(encoding="utf-8")
    assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []


def test_every_option_of_the_skeleton_is_described(validator: Draft202012Validator) -> None:
    undescribed = [
        f"{name}.{key}"
        for name, definition in validator.schema["$defs"].items()
        for key, option in definition.get("properties", {}).items()
        if "description" not in option and not name.startswith(("Tin", "Pail"))
    ]
    assert undescribed == []


@pytest.mark.parametrize(
    ("section", "entry", "accepted"),
    [
        ("engines", {"type": "tin", "region": "r"}, True),
        ("engines", {"type": "tin"}, False),
        ("engines", {"type": "pail", "region": "r"}, False),
        ("engines", {"region": "r"}, False),
        ("engines", {"type": "tin", "region": "r", "defaults": {"format": "tin-text"}}, True),
        ("engines", {"type": "tin", "region": "r", "defaults": {"format": "tin-text", "engine": "x"}}, False),
        ("sinks", {"type": "pail", "batch": {"records": 0}}, False),
        ("deployments", {"engine": "e", "endpoint": "n", "request": {"format": "plain", "width": 2}}, True),
        ("deployments", {"engine": "e", "endpoint": "n", "request": {"format": "other", "width": 2}}, False),
        ("deployments", {"engine": "e", "endpoint": "n", "format": "tin-text", "request": {"width": 2}}, True),
        ("deployments", {"engine": "e", "endpoint": "n", "format": "tin-text", "request": {"depth": 2}}, False),
        ("deployments", {"engine": "e", "endpoint": "n", "format": "tin-text", "request": None}, True),
        ("deployments", {"engine": "e", "endpoint": "n", "format": "no-such-preset"}, False),
    ],
)
def test_plugins_say_what_their_part_may_hold(
    validator: Draft202012Validator, section: str, entry: object, accepted: bool
) -> None:
    assert valid(validator, section, entry) is accepted


def test_secrets_are_marked_as_such(validator: Draft202012Validator) -> None:
    assert '"writeOnly": True' in str(validator.schema["$defs"]["ClientSettings"]).replace("'", '"')


def test_a_plugin_may_name_its_struct_as_ours_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "module_of_namesakes.py").write_text(
        "from msgspec.structs import replace\n"
        "from tests.example_plugins import TinSettings, engine\n"
        "class DeploymentSettings(TinSettings, frozen=True, kw_only=True):\n"
        "    pass\n"
        "plugin = replace(engine, kind='namesake', settings=DeploymentSettings)\n"
    )
    write_distribution(tmp_path, "namesakes", {"engines": {"namesake": "module_of_namesakes:plugin"}})
    monkeypatch.syspath_prepend(str(tmp_path))
    validator = Draft202012Validator(compose_schema(Registry.load()))
    assert valid(validator, "engines", {"type": "namesake", "region": "here"})
    deployment = {"engine": "x", "endpoint": "y", "format": "sagemaker-linear-learner"}
    assert valid(validator, "deployments", deployment | {"request": {"header": True}})
    assert not valid(validator, "deployments", deployment | {"request": {"headr": True}})
