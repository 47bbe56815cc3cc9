"""What deploy/ names of ours exists, and fits together."""

import configparser
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.cli.main import main
from gateway.config import Configuration
from gateway.supervisor import KILL_GRACE_SECONDS
from tests.fakes.example_configurations import load_example
from tests.fakes.gateways import running_gateway

DEPLOY = Path(__file__).parents[2] / "deploy"
SECRETS = Path("/run/secrets/openscale-gateway")
CONFIGURATION = "/etc/openscale-gateway/gateway.yaml"
SPOOL_FOLDER = "/var/lib/openscale-gateway"


@pytest.fixture(scope="module")
def manifests() -> Sequence[Any]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def stateful_set(manifests: Sequence[Any]) -> Any:
    return of_kind(manifests, "StatefulSet")


@pytest.fixture(scope="module")
def container(stateful_set: Any) -> Any:
    [container] = stateful_set["spec"]["template"]["spec"]["containers"]
    return container


@pytest.fixture(scope="module")
def embedded(manifests: Sequence[Any]) -> Any:
    return yaml.safe_load(of_kind(manifests, "ConfigMap")["data"]["gateway.yaml"])


@pytest.fixture(scope="module")
def unit() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read(DEPLOY / "openscale-gateway.service", encoding="utf-8")
    return parser["Service"]


def of_kind(manifests: Sequence[Any], kind: str) -> Any:
    [found] = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def stop_seconds(configuration: Configuration) -> float:
    """Return how long a gateway with workers may take to stop."""
    return configuration.server.drain_seconds + KILL_GRACE_SECONDS


def test_check_finds_no_mistake_in_the_configuration_of_the_manifest(embedded: Any, tmp_path: Path) -> None:
    configuration = load_example(embedded, tmp_path)
    assert (list(configuration.engines), list(configuration.sinks)) == (["aws"], ["openscale"])


def test_the_pod_is_given_the_time_that_a_gateway_needs_to_stop(
    stateful_set: Any, container: Any, embedded: Any, tmp_path: Path
) -> None:
    pause = float(container["lifecycle"]["preStop"]["exec"]["command"][-1])
    grace = stateful_set["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace >= pause + stop_seconds(load_example(embedded, tmp_path))


async def test_probes_ask_routes_that_answer_without_a_credential(container: Any, tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert (await gateway.call("GET", container[probe]["httpGet"]["path"])).status == 200


def test_the_pod_serves_the_configuration_that_is_mounted_where_it_listens(container: Any, embedded: Any) -> None:
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert container["command"] == ["openscale-gateway", "serve", "--config", CONFIGURATION]
    assert ports == {"http": embedded["server"]["port"]}
    assert embedded["server"]["host"] == "0.0.0.0"


def test_what_the_configuration_reads_and_writes_is_mounted(stateful_set: Any, container: Any, embedded: Any) -> None:
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"] for volume in stateful_set["spec"]["template"]["spec"]["volumes"]}
    [claim] = stateful_set["spec"]["volumeClaimTemplates"]
    assert mounts.keys() == volumes | {claim["metadata"]["name"]}
    assert mounts["spool"] == str(Path(embedded["payload_log"]["path"]).parent) == SPOOL_FOLDER
    assert mounts["configuration"] == str(Path(CONFIGURATION).parent)
    files = re.findall(r"\$\{file:([^}]+)\}", yaml.safe_dump(embedded))
    assert {Path(file).parent for file in files} == {SECRETS} == {Path(mounts["secrets"])}
    made = re.findall(r"--from-file=(\w+)", (DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8"))
    assert {Path(file).name for file in files} == set(made)


def test_a_spool_of_its_largest_size_fits_the_volume(stateful_set: Any, embedded: Any) -> None:
    [claim] = stateful_set["spec"]["volumeClaimTemplates"]
    storage = claim["spec"]["resources"]["requests"]["storage"]
    assert int(storage.removesuffix("Gi")) * 2**30 > embedded["payload_log"]["max_gb"] * 1.1e9


def test_services_and_pods_find_each_other(manifests: Sequence[Any], stateful_set: Any) -> None:
    labels = stateful_set["spec"]["template"]["metadata"]["labels"]
    services = {item["metadata"]["name"]: item["spec"] for item in manifests if item["kind"] == "Service"}
    assert stateful_set["spec"]["serviceName"] in services
    assert all(service["selector"] == labels for service in services.values())
    assert of_kind(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels


def test_the_unit_starts_a_command_that_exists(
    unit: configparser.SectionProxy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, *arguments = shlex.split(unit["ExecStart"])
    assert (Path(program).name, arguments) == ("openscale-gateway", ["serve", "--config", CONFIGURATION])
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--help"])
    assert (left.value.code, "--config FILE" in capsys.readouterr().out) == (0, True)


def test_the_unit_is_given_the_time_that_a_gateway_needs_to_stop(
    unit: configparser.SectionProxy, embedded: Any, tmp_path: Path
) -> None:
    assert float(unit["TimeoutStopSec"]) > stop_seconds(load_example(embedded, tmp_path))
    assert unit["KillMode"] == "mixed"
    assert f"/var/lib/{unit['StateDirectory']}" == unit["WorkingDirectory"] == SPOOL_FOLDER


async def test_alerts_are_about_metrics_that_exist_and_stand_on_the_page(tmp_path: Path) -> None:
    [group] = yaml.safe_load((DEPLOY / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    async with running_gateway(tmp_path) as gateway:
        shown = set(re.findall(r"^# TYPE (\w+)", (await gateway.call("GET", "/metrics")).body, re.MULTILINE))
    used = {name for rule in group["rules"] for name in re.findall(r"openscale_gateway_\w+", rule["expr"])}
    assert used - shown == set()
    page = (DEPLOY.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(Gateway\w+)`", page, re.MULTILINE) == [rule["alert"] for rule in group["rules"]]
