"""What is kept of an engine's discovery; test_directory.py goes through the faults of engines."""

from collections.abc import Sequence

import pytest

from gateway.config import EngineConfiguration
from gateway.directory_store import KnownEndpoints
from gateway.engine_state import EngineState
from schemas.configuration import DiscoverySettings, EngineSettings
from schemas.deployment import Endpoint
from schemas.errors import ConfigurationError, EngineError, EngineUnavailableError
from tests.fakes.engines import ScriptedEngine


def state(found: Sequence[Endpoint] | Exception = (), *, discover: bool = True, model: str = "2024") -> EngineState:
    engine = ScriptedEngine(endpoints=(Endpoint(name="loan"),))
    engine.found = found
    settings = EngineSettings(type="scripted", discover=discover, endpoints={"loan": {"model": model}})
    return EngineState(EngineConfiguration("aws", engine.plugin(), settings), engine)


async def persisted(*found: Endpoint) -> KnownEndpoints:
    leading = state(found)
    await leading.discover(1000.0)
    known = leading.known()
    assert known is not None
    return known


async def test_engine_is_known_once_it_was_asked() -> None:
    fresh = state([Endpoint(name="other")])
    assert (fresh.ready, fresh.known(), list(fresh.endpoints)) == (False, None, ["loan"])
    await fresh.discover(1000.0)
    assert (fresh.ready, fresh.refreshed_at, list(fresh.endpoints)) == (True, 1000.0, ["loan", "other"])


async def test_failed_discovery_leaves_all_as_it_was_and_says_why() -> None:
    failing = state(EngineUnavailableError("no route"))
    failing.take_over(await persisted(Endpoint(name="other")))
    with pytest.raises(EngineUnavailableError):
        await failing.discover(2000.0)
    assert (failing.error, failing.refreshed_at, list(failing.endpoints)) == ("no route", 1000.0, ["loan", "other"])


async def test_engine_that_fails_in_its_discovery_is_named_with_its_line_and_without_its_words() -> None:
    failing = state(ZeroDivisionError("planted-value"))
    told = (
        r"The plugin scripted of unknown failed with ZeroDivisionError \(fakes/engines\.py:\d+ endpoints\) instead of"
    )
    with pytest.raises(EngineError, match=told) as caught:
        await failing.discover(2000.0)
    assert "planted-value" not in caught.value.message


async def test_engine_that_can_not_tell_its_own_endpoints_is_refused() -> None:
    engine = ScriptedEngine()
    engine.configured = lambda: None  # type: ignore[method-assign,assignment,return-value]
    configuration = EngineConfiguration("aws", engine.plugin(), EngineSettings(type="scripted"), "scripts 1")
    with pytest.raises(ConfigurationError, match=r"^engines\.aws \(type scripted, of scripts 1\): its `configured`"):
        EngineState(configuration, engine)


async def test_endpoints_are_the_same_to_who_discovers_and_to_who_takes_over() -> None:
    odd = Endpoint(name="other", native={"parts": (1, 2)})
    leading, following = state([odd]), state()
    await leading.discover(1000.0)
    following.take_over(await persisted(odd))
    assert leading.endpoints == following.endpoints
    assert leading.endpoints["other"].native == {"parts": [1, 2]}


async def test_what_was_discovered_with_other_settings_is_not_taken_over() -> None:
    changed = state(model="2025")
    changed.take_over(await persisted(Endpoint(name="loan", native={"model": "2024"})))
    assert not changed.ready
    assert changed.endpoints == {"loan": Endpoint(name="loan")}


async def test_what_the_configuration_names_is_kept_whatever_the_patterns_say() -> None:
    engine = ScriptedEngine(endpoints=(), found=[Endpoint(name="loan"), Endpoint(name="other")])
    patterns = DiscoverySettings(include=("prod-*",))
    settings = EngineSettings(type="scripted", discover=patterns, endpoints={"loan": {"model": "2024"}})
    found = EngineState(EngineConfiguration("aws", engine.plugin(), settings), engine)
    await found.discover(1000.0)
    assert list(found.endpoints) == ["loan"]


async def test_engine_without_discovery_takes_nothing_over() -> None:
    alone = state(discover=False)
    alone.take_over(await persisted(Endpoint(name="other")))
    assert (alone.ready, list(alone.endpoints), alone.known()) == (True, ["loan"], None)
