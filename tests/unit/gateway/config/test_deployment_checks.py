from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config import load
from gateway.registry import Registry
from schemas.errors import ConfigurationError
from tests.plugin_distributions import EXAMPLE, write_distribution

Problems = Callable[..., list[str]]


def text(deployment: str = "", *, engines: str = "", public_id: str = "credit", defaults: str = "null") -> str:
    return f"""\
auth: {{mode: none}}
engines:
  one: {{type: tin, region: here, discover: false, endpoints: {{loans: {{url: "http://h"}}}}, defaults: {defaults}}}
  two: {{type: tin, region: here}}
{engines}
deployments:
  {public_id}: {{format: tin-text, engine: one, endpoint: loans{deployment}}}
"""


def test_a_plain_deployment_has_no_problem(problems: Problems) -> None:
    assert problems(text()) == []


def test_without_discovery_the_endpoint_has_to_be_configured(problems: Problems) -> None:
    found = problems(text().replace("endpoint: loans", "endpoint: lones"))
    assert len(found) == 1
    assert found[0].startswith("c.yaml:7:43: deployments.credit.endpoint: The engine one does not discover")
    assert found[0].endswith("Known: loans.")


def test_with_discovery_any_endpoint_may_exist(problems: Problems) -> None:
    assert problems(text().replace("engine: one, endpoint: loans", "engine: two, endpoint: later")) == []


@pytest.mark.parametrize("column", ["scoring_id", "transaction_id", "deployment_id", "record_id"])
def test_an_id_is_not_redacted(problems: Problems, column: str) -> None:
    assert problems(text(f", redact: {{{column}: drop}}")) == [
        f"c.yaml:7:69: deployments.credit.redact.{column}: The column is an id of the record, and has to stay as it is."
    ]


def test_digests_need_a_key(problems: Problems) -> None:
    hashed = text(", redact: {Name: hash, Phone: mask}")
    found = problems(hashed)
    assert len(found) == 1
    assert "deployments.credit.redact.Name: `hash` needs `payload_log.redaction_key`" in found[0]
    assert problems(hashed + "payload_log: {redaction_key: k}\n") == []


@pytest.mark.parametrize(
    ("marker", "places"),
    [
        ("{header: X-Log}", []),
        ("{header: X-Log, value: 'yes'}", []),
        ("{body_key: log}", []),
        ("{}", ["log_marker"]),
        ("{header: X-Log, body_key: log}", ["log_marker"]),
        ("{body_key: log, value: 'yes'}", ["log_marker.value"]),
    ],
)
def test_a_log_marker_is_a_header_or_a_key(problems: Problems, marker: str, places: list[str]) -> None:
    found = problems(text(f", log_marker: {marker}"))
    assert [line.split(": ")[1] for line in found] == [f"deployments.credit.{place}" for place in places]


def test_a_public_id_is_not_that_of_another_discovered_endpoint(problems: Problems) -> None:
    found = problems(text(public_id="two--loans"))
    assert len(found) == 1
    assert found[0].startswith("c.yaml:7:3: deployments.two--loans: The id is that of a discovered endpoint")
    assert problems(text(public_id="three--loans")) == []


def test_a_public_id_may_be_the_generated_one_of_its_own_endpoint(problems: Problems) -> None:
    assert problems(text(public_id="one--loans")) == []


@pytest.mark.parametrize(("name", "clashes"), [("one--x", True), ("one-", True), ("one-x", False), ("onex", False)])
def test_engines_do_not_share_generated_ids(problems: Problems, name: str, clashes: bool) -> None:
    found = problems(text(engines=f"  {name}: {{type: tin, region: here}}"))
    assert bool(found) is clashes
    assert all(line.startswith(f"c.yaml:5:3: engines.{name}: Generated ids") for line in found)


def test_an_ambiguous_mapping_is_refused_where_it_stands(problems: Problems) -> None:
    found = problems(text(", output: {prediction: p, probability: s, labels: [a, b]}"))
    assert [line.split(": ")[1] for line in found] == ["deployments.credit.output.probability_of"]


@pytest.mark.parametrize(
    ("formats", "settings", "refused"),
    [
        ("request: {format: csv}", "{defaults: {b: 0}}", True),
        ("request: {format: csv}", "{defaults: {b: 0}, constants: {k: 1}}", True),
        ("request: {format: csv}", "{defaults: {b: 0}, fields: [a, b]}", False),
        ("request: {format: csv}", "{constants: {b: 0}}", False),
        ("request: {format: csv, header: true}", "{defaults: {b: 0}}", False),
        ("request: {format: rows, row: array}", "{defaults: {b: 0}}", True),
        ("request: {format: rows}", "{defaults: {b: 0}}", False),
        ("request: {format: tensors, tensor: x}", "{defaults: {b: 0}}", True),
    ],
)
def test_a_default_needs_a_place_in_a_body_without_names(
    problems: Problems, formats: str, settings: str, refused: bool
) -> None:
    deployment = f"{formats}, response: {{format: rows}}, input: {settings}"
    found = problems(text().replace("format: tin-text", deployment))
    assert [line.split(": ")[1] for line in found] == ["deployments.credit.input.defaults"] * refused
    assert all("`input.fields`" in line for line in found)
    of_engine = problems(text(defaults=f"{{{deployment}}}"))
    assert [line.split(": ")[1] for line in of_engine] == ["engines.one.defaults.input.defaults"] * refused


@pytest.mark.parametrize(
    ("settings", "refused"),
    [
        ("problem_type: regression, output: {prediction: p}", False),
        ("problem_type: regression, output: {prediction: p, labels: [a, b]}", True),
        ("problem_type: regression, output: {prediction: p, probability: s}", True),
        ("problem_type: binary, output: {prediction: p}", False),
        ("problem_type: binary, output: {prediction: p, labels: [a, b]}", False),
        ("problem_type: binary, output: {prediction: p, labels: [a, b, c]}", True),
        ("problem_type: multiclass, output: {prediction: p, labels: [a, b, c]}", False),
    ],
)
def test_a_problem_type_does_not_contradict_the_output(problems: Problems, settings: str, refused: bool) -> None:
    found = problems(text(f", {settings}"))
    assert [line.split(": ")[1] for line in found] == ["deployments.credit.problem_type"] * refused


def test_defaults_of_an_engine_are_checked_like_a_deployment(problems: Problems) -> None:
    found = problems(text(defaults="{format: tin-text, request: {fields: [a]}, redact: {scoring_id: mask}}"))
    assert [line.split(": ")[1] for line in found] == [
        "engines.one.defaults.request",
        "engines.one.defaults.redact.scoring_id",
    ]


def test_defaults_of_an_engine_may_not_be_ambiguous_either(problems: Problems) -> None:
    found = problems(text(defaults="{format: tin-text, output: {probability: p, labels: [a, b]}, input: {fields: []}}"))
    assert {problem.split(": ")[1] for problem in found} == {
        "engines.one.defaults.output.probability_of",
        "engines.one.defaults.input.fields",
    }


def test_defaults_need_no_format(problems: Problems) -> None:
    assert problems(text(defaults="{log: none}")) == []


@pytest.mark.parametrize(
    ("key", "accepted"), [("credit", True), ("two--anything", True), ("two--", False), ("nine--x", False)]
)
def test_data_sets_are_for_deployments_that_can_exist(problems: Problems, key: str, accepted: bool) -> None:
    found = problems(text() + f"sinks: {{far: {{type: pail, data_sets: {{{key}: x}}}}}}\n")
    assert (found == []) is accepted
    assert all(f"sinks.far.data_sets.{key}: The name must name an entry of `deployments`" in line for line in found)


BRITTLE = """\
from adapters.base import FormatPlugin
from schemas.configuration import Settings


class BrittleSettings(Settings, frozen=True, kw_only=True):
    fields: tuple[str, ...] | None = None


class Brittle:
    media_type = "text/plain"

    def encode(self, table):
        return 1 / 0

    def decode(self, body, n_rows):
        return 1 / 0


plugin = FormatPlugin(kind="brittle", settings=BrittleSettings, build=lambda settings: Brittle())
"""


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ("request: {format: brittle}, response: {format: rows}, input: {defaults: {a: 0}}", "request"),
        ("request: {format: rows}, response: {format: brittle, fields: [p]}, output: {prediction: q}", "response"),
    ],
)
def test_a_codec_that_breaks_on_a_made_up_row_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, place: str
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "brittle_plugin.py").write_text(BRITTLE)
    write_distribution(tmp_path, "brittle", {"formats": {"brittle": "brittle_plugin:plugin"}})
    write_distribution(tmp_path, "example-plugins", EXAMPLE)
    path = tmp_path / "c.yaml"
    path.write_text(text().replace("format: tin-text", settings))
    with pytest.raises(ConfigurationError) as refused:
        load(path, Registry.load(), {})
    (problem,) = refused.value.problems
    assert f": deployments.credit.{place}: The format brittle of brittle 1.2: a row of numbers" in problem
    assert "ZeroDivisionError" in problem
