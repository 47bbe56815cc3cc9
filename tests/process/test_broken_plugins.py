"""Plugins of other people, installed beside the gateway, that can't be used."""

import asyncio
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import yaml

from adapters.testing.sagemaker import SageMakerEmulator
from tests.gateway_process import StartGateway, run_command
from tests.plugin_distributions import write_distribution
from tests.process.calling import calling, score
from tests.process.clouds import AWS, Tree, aws_part, configuration

ABSENT, EXITING, OLD, CLAIMED = "absent", "exiting", "old", "custom"
REASONS = {
    ABSENT: "ModuleNotFoundError",
    EXITING: "SystemExit: 3",
    OLD: "made for version 0 of the plugin API",
}
# What is found out only when they are used; each of them has seen a secret.
MODULE_OF_FAULTS = """
from contextlib import asynccontextmanager

from msgspec.structs import replace

from adapters.engines.custom import plugin as engine
from adapters.sinks.webhook import plugin as sink


class Untold:
    def __init__(self, settings):
        self.url = settings.url

    def configured(self):
        raise RuntimeError(self.url)

    async def endpoints(self):
        return []

    async def invoke(self, endpoint, request, context):
        raise NotImplementedError


@asynccontextmanager
async def connect_untold(settings, transport):
    yield Untold(settings)


def connect_never(settings, transport):
    raise RuntimeError(settings.url)


untold = replace(engine, kind="untold", connect=connect_untold)
unconnected = replace(engine, kind="unconnected", connect=connect_never)
leaking = replace(sink, kind="leaking", connect=connect_never)
"""
PLANTED = "http://127.0.0.1:9/planted-value"
SECRET = {"sinks": {"secret": f"whsec_{b64encode(bytes(24)).decode()}"}}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a gateway beside broken plugins."""
    folder = tmp_path / "installed"
    write_distribution(
        folder,
        "bad-plugins",
        {
            "engines": {
                ABSENT: "no_such_module_of_anybody:plugin",
                EXITING: "module_that_exits:plugin",
                OLD: "module_of_old:plugin",
                "untold": "module_of_faults:untold",
                "unconnected": "module_of_faults:unconnected",
            },
            "sinks": {"leaking": "module_of_faults:leaking"},
        },
        version="0.3",
    )
    (folder / "module_that_exits.py").write_text("raise SystemExit(3)\n")
    (folder / "module_of_old.py").write_text(
        "import msgspec\n"
        "from adapters.engines.custom import plugin\n"
        "plugin = msgspec.structs.replace(plugin, kind='old', api_version=0)\n"
    )
    (folder / "module_of_faults.py").write_text(MODULE_OF_FAULTS)
    return {"PYTHONPATH": str(folder)}


@pytest.fixture
def start(tmp_path: Path, environ: dict[str, str]) -> Callable[..., Awaitable[str]]:
    """Start a gateway that has to end with exit code 2, and return its complaint."""

    async def start_it(section: str, theirs: Tree, workers: int) -> str:
        tree = configuration(server={"port": 0, "workers": workers})
        tree[section] = {"theirs": theirs}
        file = tmp_path / "broken.yaml"
        file.write_text(yaml.safe_dump(tree), encoding="utf-8")
        async with asyncio.timeout(30):
            with pytest.raises(AssertionError, match=r"^serve ended with 2:") as caught:
                await run_command("serve", "--config", file, directory=tmp_path, environ=environ)
        return str(caught.value)

    return start_it


async def test_they_hurt_nobody_who_does_not_name_them(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway, environ: dict[str, str]
) -> None:
    gateway = await start_gateway(configuration(aws_part(sagemaker.url)), environ=environ)
    async with calling(gateway) as session:
        assert (await score(session, AWS, _row())).status == 200
    assert await gateway.stop() == 0


@pytest.mark.parametrize("kind", REASONS)
async def test_the_start_is_refused_by_the_name_of_the_one_that_the_configuration_uses(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway, environ: dict[str, str], kind: str
) -> None:
    tree = configuration(aws_part(sagemaker.url))
    tree["engines"]["theirs"] = {"type": kind}
    with pytest.raises(AssertionError) as caught:
        await start_gateway(tree, environ=environ)
    said = str(caught.value)
    assert "engines.theirs.type" in said
    assert "bad-plugins 0.3" in said
    assert REASONS[kind] in said


@pytest.mark.parametrize(
    ("section", "kind", "workers", "fault"),
    [
        ("engines", "untold", 1, r"its `configured` failed with RuntimeError \(.*:\d+ configured\)\."),
        ("sinks", "leaking", 1, r"its `connect` failed with RuntimeError \(.*:\d+ connect_never\)\."),
        ("engines", "unconnected", 2, r"its `connect` failed with RuntimeError \(.*:\d+ connect_never\)\."),
    ],
)
async def test_a_fault_in_use_ends_the_start_by_the_names_of_entry_kind_and_package_and_by_its_line(
    start: Callable[..., Awaitable[str]], section: str, kind: str, workers: int, fault: str
) -> None:
    said = await start(section, {"type": kind, "url": PLANTED} | SECRET.get(section, {}), workers)
    assert re.search(rf"{section}\.theirs \(type {kind}, of bad-plugins 0\.3\): {fault}", said)
    assert "planted-value" not in said
    assert "Traceback" not in said


async def test_a_kind_that_two_distributions_claim_is_refused_where_the_configuration_uses_it(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway, environ: dict[str, str]
) -> None:
    write_distribution(
        Path(environ["PYTHONPATH"]), "rival-plugins", {"engines": {"rival": f"adapters.engines.{CLAIMED}:plugin"}}
    )
    tree = configuration(aws_part(sagemaker.url))
    gateway = await start_gateway(tree, environ=environ)
    assert await gateway.stop() == 0
    tree["engines"]["theirs"] = {"type": CLAIMED, "url": "http://127.0.0.1:9"}
    with pytest.raises(AssertionError, match=r"claimed by .*openscale-gateway.* and .*rival-plugins 1\.2"):
        await start_gateway(tree, environ=environ)


def _row() -> Tree:
    return {"values": [[24, 1500, 3, 2, 40, 1, 1]]}
