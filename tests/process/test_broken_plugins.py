"""Plugins of other people, installed beside the gateway, that can't be used."""

from pathlib import Path

import pytest

from adapters.testing.sagemaker import SageMakerEmulator
from tests.gateway_process import StartGateway
from tests.plugin_distributions import write_distribution
from tests.process.calling import calling, score
from tests.process.clouds import AWS, Tree, aws_part, configuration

ABSENT, EXITING, OLD, CLAIMED = "absent", "exiting", "old", "custom"
REASONS = {
    ABSENT: "ModuleNotFoundError",
    EXITING: "SystemExit: 3",
    OLD: "made for version 0 of the plugin API",
}


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
            }
        },
        version="0.3",
    )
    (folder / "module_that_exits.py").write_text("raise SystemExit(3)\n")
    (folder / "module_of_old.py").write_text(
        "import msgspec\n"
        "from adapters.engines.custom import plugin\n"
        "plugin = msgspec.structs.replace(plugin, kind='old', api_version=0)\n"
    )
    return {"PYTHONPATH": str(folder)}


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
