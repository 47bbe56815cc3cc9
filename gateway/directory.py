"""The directory: endpoints and configuration become deployments.

Each engine is asked in the background; a lookup never waits for one. What was discovered is persisted, so a restart
serves the deployments that were known, stale, until the engine answers again.
"""

import asyncio
import random
from collections.abc import Callable, Mapping

import structlog
from msgspec import Struct

from adapters.base import Engine
from gateway.config import Configuration
from gateway.directory_store import DirectoryStore, KnownEndpoints
from gateway.engine_state import EngineState
from gateway.public_ids import public_id_of
from schemas.configuration import ConfiguredDeployment, DiscoverySettings
from schemas.deployment import Deployment, Endpoint
from schemas.errors import DirectoryNotReadyError, GatewayError, UnknownDeploymentError

RETRY_SECONDS = 5.0
MIN_SECONDS_BETWEEN_REFRESHES = 5.0
FOLLOW_SECONDS = 0.5

log = structlog.get_logger(__name__)


class EngineStatus(Struct, frozen=True):
    """What the directory knows of one engine.

    Attributes:
        name: of the engine.
        ready: its endpoints are known: from the configuration, from an earlier run, or from discovery.
        endpoints: how many.
        refreshed_at: time of the last discovery, in seconds of the Unix epoch; None before the first.
        error: why the last discovery failed; None after a success.
    """

    name: str
    ready: bool
    endpoints: int
    refreshed_at: float | None
    error: str | None


class Directory:
    """Which deployments there are, by public id.

    Args:
        configuration: the whole configuration.
        engines: connected engines by name.
        store: where discovered endpoints are kept over restarts.
        clock: seconds of the Unix epoch.
    """

    def __init__(
        self,
        configuration: Configuration,
        engines: Mapping[str, Engine],
        store: DirectoryStore,
        clock: Callable[[], float],
    ) -> None:
        self._configured = configuration.deployments
        self._states = {name: EngineState(configuration.engines[name], engine) for name, engine in engines.items()}
        self._store = store
        self._clock = clock
        self._deployments: dict[str, Deployment] = {}
        self._forgetting: list[Callable[[str], None]] = []
        # What is written last has to be what was known last.
        self._persisting = asyncio.Lock()
        self._version = store.version()
        self._learn(store.read())

    def deployments(self, engine: str | None = None) -> list[Deployment]:
        """Return all deployments, or those of one engine, in the order of their ids.

        Raises:
            UnknownDeploymentError: no engine has this name.
        """
        if engine is None:
            return list(self._deployments.values())
        self._state(engine)
        return [deployment for deployment in self._deployments.values() if deployment.engine == engine]

    def find(self, deployment_id: str, engine: str | None = None) -> Deployment:
        """Return the deployment with this id (of this engine).

        Raises:
            DirectoryNotReadyError: it is not known, but an engine has not been asked yet.
            UnknownDeploymentError: no deployment has this id.
        """
        deployment = self._deployments.get(deployment_id)
        if deployment is not None and engine in (None, deployment.engine):
            return deployment
        states = self._states.values() if engine is None else (self._state(engine),)
        if not all(state.ready for state in states):
            raise DirectoryNotReadyError(
                "The deployment is not known yet: discovery has not finished. Try again in a moment.",
                target="deployment_id",
            )
        raise UnknownDeploymentError(self._why_unknown(deployment_id, engine), target="deployment_id")

    def statuses(self) -> list[EngineStatus]:
        """Return one status for each engine."""
        return [
            EngineStatus(state.name, state.ready, len(state.endpoints), state.refreshed_at, state.error)
            for state in self._states.values()
        ]

    def when_gone(self, forget: Callable[[str], None]) -> None:
        """Have this called with the id of each deployment that leaves from now on."""
        self._forgetting.append(forget)

    def want_refresh(self, engine: str) -> None:
        """Ask for a discovery soon, because an endpoint turned out to be gone."""
        self._states[engine].wanted.set()

    async def lead(self) -> None:
        """Discover for ever, each engine at its own pace, and persist what is found."""
        async with asyncio.TaskGroup() as tasks:
            for state in self._states.values():
                if state.discovery is not None:
                    tasks.create_task(self._refresh_for_ever(state, state.discovery), name=f"discovery {state.name}")
            tasks.create_task(self._heed_followers(), name="followers")

    async def follow(self) -> None:
        """Take over for ever what the leader persists, and tell it which engines should be asked again."""
        while True:
            version = self._store.version()
            if version != self._version:
                self._version = version
                self._learn(self._store.read())
            wanted = [state for state in self._states.values() if state.wanted.is_set()]
            if wanted:
                self._store.want(state.name for state in wanted)
                for state in wanted:
                    state.wanted.clear()
            await asyncio.sleep(FOLLOW_SECONDS)

    async def refresh(self, engine: str) -> None:
        """Discover one engine now.

        Raises:
            GatewayError: it can't be asked, or not understood; the deployments stay as they were.
        """
        await self._states[engine].discover(self._clock())
        self._rebuild()
        async with self._persisting:
            known = {name: state.known() for name, state in self._states.items()}
            await asyncio.to_thread(self._store.write, {name: item for name, item in known.items() if item is not None})

    async def _refresh_for_ever(self, state: EngineState, discovery: DiscoverySettings) -> None:
        while True:
            try:
                await self.refresh(state.name)
                pause = discovery.refresh_seconds
                log.debug("discovered", engine=state.name, endpoints=len(state.discovered))
            except GatewayError as error:
                pause = min(discovery.refresh_seconds, RETRY_SECONDS)
                log.warning("discovery failed", engine=state.name, code=error.code, problem=error.message)
            await self._wait(state, pause * random.uniform(0.9, 1.1))  # noqa: S311 - spreads load, guards nothing

    async def _heed_followers(self) -> None:
        while True:
            for name in self._store.take_wanted() & self._states.keys():
                self.want_refresh(name)
            await asyncio.sleep(FOLLOW_SECONDS)

    async def _wait(self, state: EngineState, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await state.wanted.wait()
                await asyncio.sleep(state.asked_at + MIN_SECONDS_BETWEEN_REFRESHES - self._clock())
        except TimeoutError:
            pass
        state.wanted.clear()

    def _learn(self, known: Mapping[str, KnownEndpoints]) -> None:
        for name, endpoints in known.items():
            if name in self._states:
                self._states[name].take_over(endpoints)
        self._rebuild()

    def _rebuild(self) -> None:
        fresh: dict[str, Deployment] = {}
        hidden: set[tuple[str, str]] = set()
        for public_id, settings in self._configured.items():
            hidden.add((settings.engine, settings.endpoint))
            endpoint = self._states[settings.engine].endpoints.get(settings.endpoint)
            if endpoint is not None:
                fresh[public_id] = self._kept(_configured(public_id, settings, endpoint))
        for state in self._states.values():
            for name, endpoint in state.endpoints.items():
                public_id = public_id_of(state.name, name)
                if (state.name, name) not in hidden and public_id not in fresh:
                    fresh[public_id] = self._kept(
                        Deployment(id=public_id, engine=state.name, endpoint=endpoint, settings=state.defaults)
                    )
        gone = self._deployments.keys() - fresh.keys()
        self._deployments = dict(sorted(fresh.items()))
        for forget in self._forgetting:
            for public_id in gone:
                forget(public_id)

    def _kept(self, deployment: Deployment) -> Deployment:
        # The same object while nothing changed: what others have compiled for it stays valid.
        known = self._deployments.get(deployment.id)
        return known if known == deployment else deployment

    def _state(self, engine: str) -> EngineState:
        state = self._states.get(engine)
        if state is None:
            raise UnknownDeploymentError("No engine has this name.", target="engine")
        return state

    def _why_unknown(self, deployment_id: str, engine: str | None) -> str:
        settings = self._configured.get(deployment_id)
        if settings is None or engine not in (None, settings.engine):
            here = "" if engine is None else f" of the engine {engine}"
            return f"No deployment{here} has this id. GET /v1/deployments lists those that there are."
        return f"The engine {settings.engine} has no endpoint named {settings.endpoint} that could score now."


def _configured(public_id: str, settings: ConfiguredDeployment, endpoint: Endpoint) -> Deployment:
    return Deployment(id=public_id, engine=settings.engine, endpoint=endpoint, settings=settings)
