"""The directory over engines that answer, fail or hang, as told."""

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from adapters.base import CallContext, EnginePlugin, NativeRequest, NativeResponse
from gateway.config import Configuration, EngineConfiguration
from gateway.directory import Directory
from gateway.directory_store import DirectoryStore
from schemas.configuration import (
    AuthSettings,
    ConfiguredDeployment,
    DeploymentSettings,
    DiscoverySettings,
    EngineSettings,
    PayloadLogSettings,
    ServerSettings,
)
from schemas.deployment import Endpoint
from schemas.errors import DirectoryNotReadyError, EngineUnavailableError, UnknownDeploymentError


class ScriptedEngine:
    """An engine whose discovery answers what the test put there last."""

    def __init__(self, known: Sequence[str] = (), found: Sequence[str] | Exception = (), odd: Any = ()) -> None:
        self.known = known
        self.found = found
        self.odd = odd
        self.asked = asyncio.Event()
        self.times = 0

    def configured(self) -> Sequence[Endpoint]:
        return [Endpoint(name=name) for name in self.known]

    async def endpoints(self) -> Sequence[Endpoint]:
        self.times += 1
        self.asked.set()
        if isinstance(self.found, Exception):
            raise self.found
        return [Endpoint(name=name, description="discovered") for name in self.found] or self.odd

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        raise NotImplementedError


def directory(
    tmp_path: Path,
    deployments: dict[str, tuple[str, str]] | None = None,
    discover: DiscoverySettings | bool = True,
    defaults: DeploymentSettings | None = None,
    endpoints: dict[str, Any] | None = None,
    **engines: ScriptedEngine,
) -> Directory:
    plugin = EnginePlugin(kind="scripted", settings=EngineSettings, connect=_never)
    settings = EngineSettings(type="scripted", discover=discover, defaults=defaults, endpoints=endpoints or {})
    configuration = Configuration(
        source_path=tmp_path / "gateway.yaml",
        server=ServerSettings(),
        auth=AuthSettings(),
        payload_log=PayloadLogSettings(),
        engines={name: EngineConfiguration(name, plugin, settings) for name in engines},
        deployments={
            public_id: ConfiguredDeployment(engine=engine, endpoint=endpoint)
            for public_id, (engine, endpoint) in (deployments or {}).items()
        },
        sinks={},
    )
    return Directory(
        configuration,
        dict(engines),
        DirectoryStore(tmp_path / "directory.json"),
        clock=itertools.count(1000.0, 100.0).__next__,
    )


def _never(*_: Any) -> Any:
    raise NotImplementedError


def ids(found: Directory, engine: str | None = None) -> list[str]:
    return [deployment.id for deployment in found.deployments(engine)]


async def test_discovered_endpoints_are_named_by_engine_and_endpoint(tmp_path: Path) -> None:
    found = directory(tmp_path, aws=ScriptedEngine(found=["loan", "über_loan"]), eu=ScriptedEngine(found=["loan"]))
    await found.refresh("aws")
    await found.refresh("eu")
    strange = next(public_id for public_id in ids(found) if public_id not in ("aws--loan", "eu--loan"))
    assert strange.startswith("aws---ber-loan-")
    assert len(strange.rsplit("-", 1)[1]) == 8
    assert ids(found, "eu") == ["eu--loan"]


async def test_configured_deployment_hides_the_generated_one(tmp_path: Path) -> None:
    found = directory(tmp_path, {"credit": ("aws", "loan")}, aws=ScriptedEngine(found=["loan", "other"]))
    await found.refresh("aws")
    assert ids(found) == ["aws--other", "credit"]
    assert found.find("credit").settings is not None
    assert found.find("aws--other").settings is None


async def test_defaults_of_the_engine_apply_to_discovered_endpoints(tmp_path: Path) -> None:
    defaults = DeploymentSettings(format="openscale")
    found = directory(tmp_path, defaults=defaults, aws=ScriptedEngine(found=["loan"]))
    await found.refresh("aws")
    assert found.find("aws--loan").settings == defaults


async def test_unknown_id_is_not_ready_before_the_first_refresh_and_unknown_after(tmp_path: Path) -> None:
    found = directory(tmp_path, aws=ScriptedEngine(found=["loan"]), idle=ScriptedEngine())
    with pytest.raises(DirectoryNotReadyError):
        found.find("aws--loan")
    await found.refresh("aws")
    assert found.find("aws--loan", "aws").id == "aws--loan"
    with pytest.raises(DirectoryNotReadyError):
        found.find("nobody")
    await found.refresh("idle")
    for engine in (None, "idle"):
        with pytest.raises(UnknownDeploymentError):
            found.find("nobody" if engine is None else "aws--loan", engine)
    with pytest.raises(UnknownDeploymentError):
        found.deployments("nowhere")


async def test_deployment_of_another_engine_is_not_said_to_have_lost_its_endpoint(tmp_path: Path) -> None:
    engines = {"aws": ScriptedEngine(["loan"]), "azure": ScriptedEngine(["aks"])}
    found = directory(tmp_path, {"credit": ("aws", "loan")}, discover=False, **engines)
    with pytest.raises(UnknownDeploymentError, match="No deployment of the engine azure has this id"):
        found.find("credit", "azure")


async def test_without_discovery_only_configured_endpoints_are_known_and_at_once(tmp_path: Path) -> None:
    found = directory(
        tmp_path, {"credit": ("azure", "aks"), "gone": ("azure", "no")}, discover=False, azure=ScriptedEngine(["aks"])
    )
    assert ids(found) == ["credit"]
    with pytest.raises(UnknownDeploymentError, match="no endpoint named no"):
        found.find("gone")


async def test_restart_without_the_cloud_serves_what_was_known(tmp_path: Path) -> None:
    await directory(tmp_path, aws=ScriptedEngine(found=["loan"])).refresh("aws")
    cut_off = ScriptedEngine(found=EngineUnavailableError("no route"))
    restarted = directory(tmp_path, aws=cut_off)
    assert ids(restarted) == ["aws--loan"]
    with pytest.raises(EngineUnavailableError):
        await restarted.refresh("aws")
    assert ids(restarted) == ["aws--loan"]
    (status,) = restarted.statuses()
    assert (status.ready, status.endpoints, status.error) == (True, 1, "no route")


async def test_vanished_endpoint_leaves_with_the_next_refresh(tmp_path: Path) -> None:
    engine = ScriptedEngine(found=["loan", "old"])
    found = directory(tmp_path, aws=engine)
    await found.refresh("aws")
    kept = found.find("aws--loan")
    engine.found = ["loan"]
    await found.refresh("aws")
    assert ids(found) == ["aws--loan"]
    assert found.find("aws--loan") is kept


async def test_filters_apply_whatever_the_engine_returns(tmp_path: Path) -> None:
    wanted = DiscoverySettings(include=("prod-*",), exclude=("*-test",))
    engine = ScriptedEngine(found=["prod-a", "prod-a-test", "dev-a"])
    found = directory(tmp_path, discover=wanted, aws=engine)
    await found.refresh("aws")
    assert ids(found) == ["aws--prod-a"]


async def test_what_is_found_about_a_configured_endpoint_is_taken_whatever_the_patterns_say(tmp_path: Path) -> None:
    engine = ScriptedEngine(known=["loan"], found=["loan", "dev"])
    found = directory(tmp_path, discover=DiscoverySettings(include=("prod-*",)), aws=engine)
    await found.refresh("aws")
    assert ids(found) == ["aws--loan"]
    assert found.find("aws--loan").endpoint.description == "discovered"


async def test_leader_goes_on_after_failures_and_refreshes_when_asked(tmp_path: Path) -> None:
    broken, sound = ScriptedEngine(found=RuntimeError("s3cret")), ScriptedEngine(found=["loan"])
    found = directory(tmp_path, broken=broken, sound=sound)
    leader = asyncio.create_task(found.lead())
    await asyncio.wait_for(asyncio.gather(broken.asked.wait(), sound.asked.wait()), 5)
    while not ids(found):
        await asyncio.sleep(0)
    statuses = {status.name: status for status in found.statuses()}
    assert statuses["sound"].error is None
    assert "s3cret" not in str(statuses["broken"].error)
    sound.asked.clear()
    found.want_refresh("sound")
    await asyncio.wait_for(sound.asked.wait(), 10)
    assert not leader.done()
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)


async def test_restart_with_other_settings_forgets_what_was_found_with_the_old_ones(tmp_path: Path) -> None:
    engine = ScriptedEngine(known=["loan"], found=["loan", "other"])
    old = {"loan": {"endpoint": "model-2024"}}
    await directory(tmp_path, endpoints=old, aws=engine).refresh("aws")
    assert ids(directory(tmp_path, endpoints=old, aws=engine)) == ["aws--loan", "aws--other"]
    changed = directory(tmp_path, endpoints={"loan": {"endpoint": "model-2025"}}, aws=engine)
    assert changed.find("aws--loan").endpoint.description == ""
    with pytest.raises(DirectoryNotReadyError):
        changed.find("aws--other")
    await changed.refresh("aws")
    assert changed.find("aws--loan").endpoint.description == "discovered"


@pytest.mark.parametrize(
    ("odd", "sentence"),
    [
        (None, "returned a NoneType, expected is a sequence"),
        ([{"name": "loan"}], "returned a dict, expected is an Endpoint"),
        ([Endpoint(name="loan", native={"client": object()})], "can't be kept as JSON"),
        ([Endpoint(name=7)], "can't be kept as JSON"),  # type: ignore[arg-type]
        ([Endpoint(name="\ud800")], "UnicodeEncodeError in the engine"),
    ],
    ids=["nothing", "dicts", "an object", "a number for a name", "half a character"],
)
async def test_odd_discovery_of_one_engine_ends_no_other(tmp_path: Path, odd: Any, sentence: str) -> None:
    broken, sound = ScriptedEngine(found=["kept"]), ScriptedEngine(found=["loan"])
    found = directory(tmp_path, broken=broken, sound=sound)
    await found.refresh("broken")
    broken.found, broken.odd = (), odd
    broken.asked.clear()
    leader = asyncio.create_task(found.lead())
    await asyncio.wait_for(asyncio.gather(broken.asked.wait(), sound.asked.wait()), 5)
    while "sound--loan" not in ids(found):
        await asyncio.sleep(0)
    assert not leader.done()
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)
    assert ids(found) == ["broken--kept", "sound--loan"]
    statuses = {status.name: status for status in found.statuses()}
    assert sentence in str(statuses["broken"].error)
    assert statuses["sound"].error is None


async def test_file_that_engines_write_at_once_ends_with_all_that_is_known(tmp_path: Path) -> None:
    engines = {f"e{n}": ScriptedEngine(found=[f"first-{n}"]) for n in range(8)}
    found = directory(tmp_path, **engines)
    for turn in ("first", "second", "third"):
        for name, engine in engines.items():
            engine.found = [f"{turn}-{name}"]
        await asyncio.gather(*(found.refresh(name) for name in engines))
        assert ids(directory(tmp_path, **engines)) == ids(found)


async def test_who_asked_is_told_which_deployments_are_gone(tmp_path: Path) -> None:
    gone: list[str] = []
    engine = ScriptedEngine(found=["loan", "old"])
    found = directory(tmp_path, {"credit": ("aws", "loan")}, aws=engine)
    found.when_gone(gone.append)
    await found.refresh("aws")
    assert gone == []
    engine.found = ["new"]
    await found.refresh("aws")
    assert sorted(gone) == ["aws--old", "credit"]


@pytest.mark.parametrize("begins", ["before", "after"])
async def test_follower_takes_over_what_the_leader_persists_before_or_after_it_begins(
    begins: str, tmp_path: Path
) -> None:
    leader = directory(tmp_path, aws=ScriptedEngine(found=["loan"]))
    follower = directory(tmp_path, aws=ScriptedEngine())
    if begins == "after":
        await leader.refresh("aws")
    following = asyncio.create_task(follower.follow())
    if begins == "before":
        await asyncio.sleep(0)
        await leader.refresh("aws")
    async with asyncio.timeout(5):
        while ids(follower) != ["aws--loan"]:
            await asyncio.sleep(0.01)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_leader_asks_again_when_a_follower_has_met_an_endpoint_that_is_gone(tmp_path: Path) -> None:
    asked = ScriptedEngine(found=["loan"])
    leader = directory(tmp_path, aws=asked, eu=ScriptedEngine())
    follower = directory(tmp_path, aws=ScriptedEngine(), eu=ScriptedEngine())
    working = [asyncio.create_task(leader.lead()), asyncio.create_task(follower.follow())]
    async with asyncio.timeout(10):
        while ids(follower) != ["aws--loan"]:
            await asyncio.sleep(0.01)
        asked.asked.clear()
        follower.want_refresh("aws")
        await asked.asked.wait()
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
