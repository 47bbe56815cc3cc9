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
from gateway.config import Configuration, EngineConfiguration
from gateway.directory_store import DirectoryStore, KnownEndpoints
from gateway.public_ids import public_id_of
from schemas.configuration import ConfiguredDeployment, DeploymentSettings, DiscoverySettings
from schemas.deployment import Deployment, Endpoint
from schemas.errors import DirectoryNotReadyError, EngineError, GatewayError, UnknownDeploymentError

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


class _EngineState:
    def __init__(self, configuration: EngineConfiguration, engine: Engine) -> None:
        self.name = configuration.name
        self.engine = engine
        self.settings = configuration.settings
        self.defaults: DeploymentSettings | None = configuration.settings.defaults
        self.discovery = _discovery(configuration)
        self.configured: dict[str, Endpoint] = {endpoint.name: endpoint for endpoint in engine.configured()}
        self.discovered: dict[str, Endpoint] = {}
        self.refreshed_at: float | None = None
        self.error: str | None = None
        self.wanted = asyncio.Event()
        self.asked_at = float("-inf")

    @property
    def ready(self) -> bool:
        return self.discovery is None or self.refreshed_at is not None

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        return self.configured | self.discovered

    def learn(self, known: KnownEndpoints) -> None:
        if self.discovery is not None:
            # What is found about an endpoint that the configuration describes is taken whatever the patterns say.
            self.discovered = {
                item.name: item
                for item in known.endpoints
                if item.name in self.configured or self.settings.discovers(item.name)
            }
            self.refreshed_at = known.refreshed_at


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
        self._states = {name: _EngineState(configuration.engines[name], engine) for name, engine in engines.items()}
        self._store = store
        self._clock = clock
        self._deployments: dict[str, Deployment] = {}
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

    def want_refresh(self, engine: str) -> None:
        """Ask for a discovery soon, because an endpoint turned out to be gone."""
        self._states[engine].wanted.set()

    async def lead(self) -> None:
        """Discover for ever, each engine at its own pace, and persist what is found."""
        async with asyncio.TaskGroup() as tasks:
            for state in self._states.values():
                if state.discovery is not None:
                    tasks.create_task(self._refresh_for_ever(state, state.discovery), name=f"discovery {state.name}")

    async def follow(self) -> None:
        """Take over for ever what the leader persists."""
        seen = self._store.version()
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            version = self._store.version()
            if version != seen:
                seen = version
                self._learn(self._store.read())

    async def refresh(self, engine: str) -> None:
        """Discover one engine now.

        Raises:
            GatewayError: it can't be asked; the deployments stay as they were.
        """
        state = self._states[engine]
        state.asked_at = self._clock()
        try:
            found = await state.engine.endpoints()
        except GatewayError as error:
            state.error = error.message
            raise
        except Exception as error:
            # An engine may be anybody's code: its fault must not end the discovery of the others.
            state.error = f"{type(error).__name__} in the engine."
            raise EngineError(f"The engine failed with {type(error).__name__} instead of an EngineError.") from error
        state.error = None
        state.learn(KnownEndpoints(refreshed_at=self._clock(), endpoints=tuple(found)))
        self._rebuild()
        known = {
            item.name: KnownEndpoints(refreshed_at=item.refreshed_at, endpoints=tuple(item.discovered.values()))
            for item in self._states.values()
            if item.refreshed_at is not None
        }
        await asyncio.to_thread(self._store.write, known)

    async def _refresh_for_ever(self, state: _EngineState, discovery: DiscoverySettings) -> None:
        while True:
            try:
                await self.refresh(state.name)
                pause = discovery.refresh_seconds
                log.debug("discovered", engine=state.name, endpoints=len(state.discovered))
            except GatewayError as error:
                pause = min(discovery.refresh_seconds, RETRY_SECONDS)
                log.warning("discovery failed", engine=state.name, code=error.code, problem=error.message)
            await self._wait(state, pause * random.uniform(0.9, 1.1))  # noqa: S311 - spreads load, guards nothing

    async def _wait(self, state: _EngineState, seconds: float) -> None:
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
                self._states[name].learn(endpoints)
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
        self._deployments = dict(sorted(fresh.items()))

    def _kept(self, deployment: Deployment) -> Deployment:
        # The same object while nothing changed: what others have compiled for it stays valid.
        known = self._deployments.get(deployment.id)
        return known if known == deployment else deployment

    def _state(self, engine: str) -> _EngineState:
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


def _discovery(configuration: EngineConfiguration) -> DiscoverySettings | None:
    discover = configuration.settings.discover
    if isinstance(discover, DiscoverySettings):
        return discover
    return DiscoverySettings() if discover else None
