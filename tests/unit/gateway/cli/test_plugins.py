from importlib.metadata import version
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from msgspec import json

from tests.plugin_distributions import EXAMPLE, write_distribution
from tests.unit.gateway.cli.conftest import Run


def test_what_is_installed_is_listed_whole(run: Run) -> None:
    outcome = run("plugins")
    assert outcome.code == 0
    lines = [line.split() for line in outcome.output.splitlines()]
    assert lines[0] == ["group", "kind", "distribution", "state", "origin"]
    origin = "adapters.formats.presets:presets"
    assert [
        "presets",
        "sagemaker-linear-learner",
        "openscale-gateway",
        version("openscale-gateway"),
        "ready",
        origin,
    ] in lines


def test_broken_plugin_is_listed_explained_and_a_failure(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_distribution(tmp_path, "bad-plugins", {"engines": {"absent": "no_such_module_of_anybody:plugin"}})
    write_distribution(tmp_path, "example-plugins", EXAMPLE)
    monkeypatch.syspath_prepend(str(tmp_path))
    outcome = run("plugins")
    assert outcome.code == 1
    states = {tuple(line.split()[:2]): line.split()[-2] for line in outcome.output.splitlines()}
    assert states["engines", "absent"] == "broken"
    assert states["engines", "tin"] == "ready"
    assert "no_such_module_of_anybody" in outcome.errors
    rows = [json.decode(line) for line in run("plugins", "--json").output.splitlines()]
    assert {"engines", "formats", "sinks", "presets"} == {row["group"] for row in rows}
    assert next(row for row in rows if row["kind"] == "tin")["origin"] == "tests.example_plugins:engine"


def test_schema_is_one_that_a_validator_takes(run: Run) -> None:
    outcome = run("schema")
    assert outcome.code == 0
    schema = json.decode(outcome.output)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate({"engines": {"aws": {"type": "sagemaker", "region": "us-east-1"}}})
    assert not Draft202012Validator(schema).is_valid({"servers": {}})
