import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Configuration, load
from gateway.registry import Registry
from schemas.configuration import DiscoverySettings
from schemas.errors import ConfigurationError
from tests.plugin_distributions import EXAMPLE, write_distribution

Load = Callable[..., Configuration]
Problems = Callable[..., list[str]]

GOOD = """\
auth:
  clients:
    app: {password: "${PASSWORD}", role: application}
engines:
  one:
    type: tin
    region: here
    discover: false
    endpoints:
      loans: {url: "https://host/score", key: "${KEY}"}
deployments:
  credit:
    engine: one
    endpoint: loans
    format: tin-text
    request: {fields: [a, b]}
    output: {prediction: p, labels: [No, Yes]}
sinks:
  far: {type: pail, data_sets: {credit: x}}
"""
ENVIRON = {"PASSWORD": "0123", "KEY": "k"}
EXAMPLE_FILE = Path("deploy/example.yaml").resolve()
EXAMPLE_ENVIRON = {
    name: f"PLANTED-{name}"
    for name in (
        "OPENSCALE_PASSWORD",
        "LOANS_APP_PASSWORD",
        "OPERATIONS_PASSWORD",
        "AZURE_KEY",
        "REDACTION_KEY",
        "IBM_CLOUD_APIKEY",
    )
}


def test_a_right_file_becomes_one_frozen_tree(load_text: Load) -> None:
    configuration = load_text(GOOD, ENVIRON)
    assert configuration.source_path == Path("c.yaml")
    assert configuration.server.port == 8080
    assert configuration.auth.clients["app"].password == "0123"
    engine = configuration.engines["one"]
    assert (engine.name, engine.plugin.kind, engine.settings.type) == ("one", "tin", "tin")
    assert engine.settings.endpoints["loans"].key == "k"
    assert configuration.deployments["credit"].output.labels == ("No", "Yes")
    assert configuration.sinks["far"].settings.data_sets == {"credit": "x"}
    with pytest.raises(AttributeError):
        configuration.server.port = 1


def test_labels_that_yaml_1_1_would_convert_stay_text(load_text: Load) -> None:
    text = GOOD.replace("[No, Yes]", "[No, 'true', 2026-11-21, 2, 1.5]")
    labels = load_text(text, ENVIRON).deployments["credit"].output.labels
    assert [(type(label), label) for label in labels] == [
        (str, "No"),
        (str, "true"),
        (str, "2026-11-21"),
        (int, 2),
        (float, 1.5),
    ]


@pytest.mark.parametrize(
    ("line", "environ", "read"),
    [
        ("server: {port: '${X}'}", "8443", lambda c: c.server.port == 8443),
        ("server: {max_body_mb: '${X}'}", "0.5", lambda c: c.server.max_body_mb == 0.5),
        ("server: {public_operations: '${X}'}", "true", lambda c: c.server.public_operations is True),
        ("server: {public_url: '${X}'}", "http://h", lambda c: c.server.public_url == "http://h"),
        ("server: {tls: '${X}'}", "null", lambda c: c.server.tls is None),
        ("payload_log: {redaction_key: '${X}'}", "42", lambda c: c.payload_log.redaction_key == "42"),
        ("payload_log: {redaction_key: '${X}'}", "null", lambda c: c.payload_log.redaction_key == "null"),
    ],
)
def test_text_of_a_reference_is_read_as_what_the_option_is(
    load_text: Load, line: str, environ: str, read: Callable[[Configuration], bool]
) -> None:
    assert read(load_text(f"{GOOD}{line}\n", {**ENVIRON, "X": environ}))


def test_a_reference_chooses_between_a_section_and_false(load_text: Load) -> None:
    text = GOOD.replace("discover: false", "discover: ${DISCOVER}")
    assert load_text(text, {**ENVIRON, "DISCOVER": "false"}).engines["one"].settings.discover is False
    assert load_text(GOOD.replace("discover: false", "discover: {}"), ENVIRON).engines["one"].settings.discover == (
        DiscoverySettings()
    )


def test_a_label_of_digits_from_a_reference_stays_text(load_text: Load) -> None:
    text = GOOD.replace("[No, Yes]", "['${A}', '${B}']")
    labels = load_text(text, {**ENVIRON, "A": "0", "B": "1"}).deployments["credit"].output.labels
    assert labels == ("0", "1")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "region: here",
            "regoin: here",
            "c.yaml:5:3: engines.one: The key region is missing. Where it is.",
        ),
        (
            "region: here",
            "region: 5",
            "c.yaml:7:5: engines.one.region: It must be text, found is a number. Put it in quotes.",
        ),
        ("region: here", "region: ", "c.yaml:7:5: engines.one.region: It must be text, found is nothing."),
        (
            "region: here",
            "region: nowhere",
            "c.yaml:5:3: engines.one: The region nowhere has no engines.",
        ),
        (
            "region: here",
            "region: here\n    limit: 0",
            "c.yaml:8:5: engines.one.limit: The value must be more than 0.",
        ),
        (
            "type: tin",
            "type: tim",
            "c.yaml:6:5: engines.one.type: There is no engine of this name. Did you mean tin? Known: ",
        ),
        ("type: tin", "kind: tin", "c.yaml:5:3: engines.one: The key type is missing. Which plugin it is for."),
        (
            "type: tin",
            "type: absent",
            "c.yaml:6:5: engines.one.type: The plugin absent (engine, no_such_module_of_anybody:plugin)",
        ),
        (
            "  one:",
            "  one_:",
            "c.yaml:5:3: engines.one_: The name must be letters, digits and dashes, at most 128.",
        ),
        (
            "https://host/score",
            "ftp://host",
            "c.yaml:10:15: engines.one.endpoints.loans.url: The value must be a URL that begins with http:// or ",
        ),
        (
            "https://host/score",
            "http://host/score",
            "c.yaml:10:7: engines.one.endpoints.loans: A key is only sent over https.",
        ),
        (
            "role: application",
            "role: applicaton",
            "c.yaml:3:36: auth.clients.app.role: It must be one of: application, monitor, operator.",
        ),
        (
            "    app:",
            '    "a:b":',
            "c.yaml:3:5: auth.clients['a:...']: The name must be a user name of Basic authentication: not empty",
        ),
        (
            "  credit:",
            '  "cre dit":',
            "c.yaml:12:3: deployments['cre dit']: The name must be letters, digits and dashes",
        ),
        (
            "engine: one",
            "engine: onne",
            "c.yaml:13:5: deployments.credit.engine: The value must name an entry of `engines`.",
        ),
        (
            "format: tin-text",
            "format: tin-tex",
            "c.yaml:15:5: deployments.credit.format: There is no preset of this name. Did you mean tin-text?",
        ),
        (
            "{fields: [a, b]}",
            "{format: plian}",
            "c.yaml:16:15: deployments.credit.request.format: There is no format of this name. Did you mean plain?",
        ),
        (
            "{fields: [a, b]}",
            "{feilds: [a, b]}",
            "c.yaml:16:15: deployments.credit.request.feilds: The key is unknown. Did you mean fields?",
        ),
        (
            "{fields: [a, b]}",
            "{format: other, width: 1}",
            "c.yaml:16:30: deployments.credit.request.width: The key is unknown. Did you mean depth?",
        ),
        (
            "{fields: [a, b]}",
            "{width: 0}",
            "c.yaml:16:15: deployments.credit.request.width: The value must be at least 1.",
        ),
        (
            "{fields: [a, b]}",
            "{fields: [a, 3]}",
            "c.yaml:16:27: deployments.credit.request.fields[1]: It must be text, found is a number. Put it in quotes.",
        ),
        (
            "{fields: [a, b]}",
            "{fields: [a]}",
            "c.yaml:16:5: deployments.credit.request: `fields` must be as many as `width`.",
        ),
        ("format: tin-text", "name: x", "c.yaml:12:3: deployments.credit.response: No format is configured"),
        (
            "{prediction: p, labels: [No, Yes]}",
            "{probability: {}}",
            "c.yaml:17:14: deployments.credit.output.probability: It must be text or a list or null",
        ),
        (
            "{prediction: p, labels: [No, Yes]}",
            "{threshold: 2}",
            "c.yaml:17:14: deployments.credit.output.threshold: The value must be at most 1.",
        ),
        (
            "{credit: x}",
            "{creditt: x}",
            "c.yaml:19:33: sinks.far.data_sets.creditt: The name must name an entry of `deployments`.",
        ),
        (
            "  far:",
            '  "f a":',
            "c.yaml:19:3: sinks['f a']: The name must be letters, digits, dashes, dots and underscores",
        ),
        ("sinks:", "snks:", "c.yaml:18:1: snks: The key is unknown. Did you mean sinks?"),
        ("sinks:", "sinks: []\nx:", "c.yaml:18:1: sinks: It must be a mapping (keys with values), found is a list."),
        (
            "${KEY}",
            "${KEY_}",
            "c.yaml:10:42: engines.one.endpoints.loans.key: The environment variable KEY_ is not set.",
        ),
        (
            "    engine: one",
            "    engine: one\n    engine: two",
            "c.yaml:14:5: deployments.credit.engine: The key is given twice",
        ),
        (
            "auth:",
            "auth: [",
            "c.yaml:3:8: The YAML can't be read: while parsing a flow sequence, expected ',' or ']', but got ':'.",
        ),
    ],
)
def test_a_mistake_is_reported_where_it_is(problems: Problems, old: str, new: str, line: str) -> None:
    found = problems(GOOD.replace(old, new), ENVIRON)
    assert any(item.startswith(line) for item in found), found


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file(problems: Problems) -> None:
    text = (
        GOOD.replace("role: application", "role: boss")
        .replace("region: here", "regoin: here")
        .replace("endpoint: loans", "endpoint: lones")
        .replace("type: pail", "type: bucket")
        .replace("${PASSWORD}", "${PASWORD}")
    )
    found = problems(f"{text}server: {{port: 70000, colour: red}}\n", ENVIRON)
    assert [":".join(item.split(":")[1:4]) for item in found] == [
        "3:11: auth.clients.app.password",
        "3:35: auth.clients.app.role",
        "5:3: engines.one",
        "7:5: engines.one.regoin",
        "19:9: sinks.far.type",
        "20:10: server.port",
        "20:23: server.colour",
    ]


def test_what_is_right_by_itself_is_checked_although_other_sections_are_wrong(problems: Problems) -> None:
    text = GOOD.replace("endpoint: loans", "endpoint: lones") + "server: {port: -1}\n"
    assert [item.split(": ")[1] for item in problems(text, ENVIRON)] == ["deployments.credit.endpoint", "server.port"]


def test_two_deployments_may_share_an_endpoint(load_text: Load) -> None:
    text = GOOD.replace("sinks:", "  again: {engine: one, endpoint: loans, format: tin-text}\nsinks:")
    assert set(load_text(text, ENVIRON).deployments) == {"credit", "again"}


def test_anchors_and_merge_keys_save_repetition(load_text: Load) -> None:
    text = GOOD.replace("  credit:", "  credit: &base").replace("sinks:", "  again: {<<: *base, name: Again}\nsinks:")
    assert load_text(text, ENVIRON).deployments["again"].name == "Again"


@pytest.mark.parametrize("text", ["", "just text", "[]", "12", "null"])
def test_a_file_without_sections_is_refused(problems: Problems, text: str) -> None:
    assert problems(text)


def test_a_file_that_is_not_there_is_refused_by_its_name(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.yaml: The configuration can't be read: No such file"):
        load(tmp_path / "absent.yaml", registry, {})


@pytest.mark.parametrize(
    ("rival", "kind", "places"),
    [
        ({"engines": {"rival": "tests.example_plugins:engine"}}, "tin", ["engines.one.type"]),
        ({"sinks": {"rival": "tests.example_plugins:sink"}}, "pail", ["sinks.far.type"]),
        ({"presets": {"rival": "tests.example_plugins:presets"}}, "tin-text", ["deployments.credit.format"]),
        (
            {"formats": {"rival": "tests.example_plugins:plain"}},
            "plain",
            ["deployments.credit.format", "deployments.credit.request.format"],
        ),
        ({"formats": {"rival": "tests.example_plugins:other"}}, "other", []),
    ],
)
def test_a_kind_that_two_distributions_claim_is_a_mistake_where_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rival: dict[str, dict[str, str]], kind: str, places: list[str]
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    write_distribution(tmp_path, "example-plugins", EXAMPLE)
    write_distribution(tmp_path, "rival-plugins", rival)
    path = tmp_path / "c.yaml"
    path.write_text(GOOD)
    problems: tuple[str, ...] = ()
    try:
        load(path, Registry.load(), ENVIRON)
    except ConfigurationError as error:
        problems = error.problems
    assert len(problems) == len(places)
    for problem, place in zip(problems, places, strict=True):
        assert f": {place}: " in problem
        assert f" {kind} is claimed by " in problem
        assert "example-plugins 1.2" in problem
        assert "rival-plugins 1.2" in problem


MODULE_OF_FAULTS = """\
from msgspec.structs import replace

from tests.example_plugins import PlainFormat, TinSettings, engine, plain


class FaultySettings(TinSettings, frozen=True, kw_only=True):
    def __post_init__(self):
        {}[self.region]


class FaultyFormat(PlainFormat):
    def encode(self, table):
        return table.rows["planted-value"]


faulty = replace(engine, kind="faulty", settings=FaultySettings)
wrong = replace(plain, kind="wrong", build=FaultyFormat)
"""


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "type: tin\n    region: here",
            "type: faulty\n    region: planted-value",
            "c.yaml:5:3: engines.one: The plugin faulty of bad-plugins 0.3: its settings struct failed with KeyError (",
        ),
        (
            "request: {fields: [a, b]}",
            "request: {format: wrong}\n    log: native",
            "deployments.credit.request: The format wrong of bad-plugins 0.3: a row of numbers, to and fro, failed",
        ),
    ],
)
def test_a_fault_in_a_plugins_settings_or_codec_is_a_mistake_where_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, problem: str
) -> None:
    (tmp_path / "module_of_faults_in_loading.py").write_text(MODULE_OF_FAULTS)
    module = "module_of_faults_in_loading"
    entry_points = {"engines": {"f": f"{module}:faulty"}, "formats": {"w": f"{module}:wrong"}}
    write_distribution(tmp_path, "bad-plugins", entry_points, version="0.3")
    write_distribution(tmp_path, "example-plugins", EXAMPLE)
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "c.yaml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ConfigurationError) as caught:
        load(path, Registry.load(), ENVIRON)
    (told,) = caught.value.problems
    assert problem in told
    assert "module_of_faults_in_loading.py:" in told
    assert "planted-value" not in told


SECRETS = """\
server: {port: "${A}", tls: "${A}", public_url: "${A}", trusted_proxies: ["${A}"]}
auth:
  mode: "${A}"
  clients:
    one: {password: "${A}", password_hash: "${A}", role: "${A}"}
    two: {password:PLANTED-IN-A-KEY, role: application}
    three: PLANTED-PLAIN
    four: [PLANTED-PLAIN]
engines:
  e1: {type: "${A}"}
  e2: {type: tin, region: here, secret: 12, limit: "${A}", endpoints: {x: {url: "${A}", key: "${A}"}}}
  e3: {type: tin, region: here, discover: "${A}", defaults: "${A}", endpoints: {x: {url: "http://h", key: "${A}"}}}
deployments:
  d1: {engine: "${A}", endpoint: "${A}", format: "${A}", request: {format: "${A}"}, sample: "${A}", log: "${A}"}
  d2: {engine: e2, endpoint: x, format: tin-text, request: "${A}", redact: {x: "${A}"},
       output: {probability_of: "${A}"}}
payload_log: {path: payloads.db, max_gb: "${A}", durability: "${A}", redaction_key: [PLANTED-PLAIN]}
sinks:
  s1: {type: pail, token: {PLANTED:PLAIN}, batch: "${A}", start: "${A}"}
"""


def test_no_value_is_ever_in_a_message(problems: Problems, load_text: Load) -> None:
    found = problems(SECRETS, {"A": "PLANTED-SECRET"})
    assert len(found) > 25
    assert "PLANTED-" not in "\n".join(found)
    with pytest.raises(ConfigurationError) as raised:
        load_text(SECRETS, {"A": "PLANTED-SECRET"})
    assert "PLANTED-" not in repr(raised.value)


def example(tmp_path: Path, registry: Registry, text: str) -> Configuration | list[str]:
    path = tmp_path / "example.yaml"
    path.write_text(text)
    try:
        return load(path, registry, EXAMPLE_ENVIRON)
    except ConfigurationError as error:
        return list(error.problems)


def test_the_example_is_accepted_and_shows_no_secret(registry: Registry, tmp_path: Path) -> None:
    loaded = example(tmp_path, registry, EXAMPLE_FILE.read_text())
    assert isinstance(loaded, Configuration), loaded
    assert loaded.payload_log.redaction_key == "PLANTED-REDACTION_KEY"
    assert "PLANTED-" not in repr(loaded)


def mutated(text: str, seed: int) -> str:
    """Swap, cut, double and scramble pieces of lines."""
    chance = random.Random(seed)  # noqa: S311 - repeats from its seed
    lines = text.splitlines()
    for _ in range(chance.randint(1, 4)):
        n = chance.randrange(len(lines))
        piece = chance.choice(
            ["null", "[]", "{}", "x: y", ": ", "- ", "'", '"', "${NO}", "*a", "&a ", "!!int ", "1e9", "\t"]
        )
        at = chance.randint(0, len(lines[n]))
        lines[n] = chance.choice(
            [
                lines[n][:at] + piece + lines[n][at:],
                lines[n][:at],
                lines[n][at:],
                "  " + lines[n],
                lines[chance.randrange(len(lines))],
                lines[n].partition(":")[0] + ": " + piece,
            ]
        )
    return "\n".join(lines)


@given(seed=st.integers(0, 2**32))
def test_a_damaged_file_is_loaded_or_refused(
    registry: Registry, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    result = example(tmp_path_factory.getbasetemp(), registry, mutated(EXAMPLE_FILE.read_text(), seed))
    assert isinstance(result, Configuration) or "PLANTED-" not in "\n".join(result)
