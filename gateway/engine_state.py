"""What the directory holds of one engine: the endpoints that are configured and those that were discovered."""

import asyncio
from collections.abc import Sequence

import msgspec
import structlog

from adapters.base import Engine
from gateway.config import EngineConfiguration
from gateway.connecting import configured_endpoints
from gateway.directory_store import KnownEndpoints
from gateway.faults import briefly
from gateway.settings_seal import fits, seal
from schemas.configuration import DeploymentSettings, DiscoverySettings
from schemas.deployment import Endpoint
from schemas.errors import EngineError, GatewayError

log = structlog.get_logger(__name__)


class EngineState:
    """One engine, as far as it is known.

    Attributes:
        name: of the engine.
        defaults: settings of discovered endpoints that nothing else configures.
        discovery: how to discover; None: not at all.
        configured: endpoints by name; `discovered` likewise, which say more.
        refreshed_at: time of the last discovery, in seconds of the Unix epoch; None before the first.
        error: why the last discovery failed; None after a success.
        wanted: set to ask for a discovery.
        asked_at: when the last one began, in seconds of the Unix epoch.
    """

    def __init__(self, configuration: EngineConfiguration, engine: Engine) -> None:
        self.name = configuration.name
        self.defaults: DeploymentSettings | None = configuration.settings.defaults
        self.discovery = _discovery(configuration)
        self.configured = configured_endpoints(configuration, engine)
        self.discovered: dict[str, Endpoint] = {}
        self.refreshed_at: float | None = None
        self.error: str | None = None
        self.wanted = asyncio.Event()
        self.asked_at = float("-inf")
        self._engine = engine
        self._plugin = f"{configuration.plugin.kind} of {configuration.package}"
        self._settings = configuration.settings
        self._seal = seal(configuration.settings)

    @property
    def ready(self) -> bool:
        """Whether its endpoints are known."""
        return self.discovery is None or self.refreshed_at is not None

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """All endpoints, by name."""
        return self.configured | self.discovered

    async def discover(self, now: float) -> None:
        """Ask the engine, and learn what it finds.

        Args:
            now: seconds of the Unix epoch.

        Raises:
            GatewayError: it can't be asked, or what it returns is nothing that could be kept; all stays as it was.
        """
        self.asked_at = now
        try:
            known = self._checked(await self._engine.endpoints(), now)
        except GatewayError as error:
            self.error = error.message
            raise
        except Exception as error:
            # An engine may be anybody's code: its fault must not end the discovery of the others.
            self.error = f"{type(error).__name__} in the engine."
            raise EngineError(
                f"The plugin {self._plugin} failed with {briefly(error)} instead of an EngineError."
            ) from error
        self.error = None
        self._learn(known)

    def take_over(self, persisted: KnownEndpoints) -> None:
        """Learn what this or another process has discovered, unless that was with other settings."""
        if self.discovery is None:
            return
        if fits(persisted.seal, self._settings):
            self._learn(persisted)
        else:
            log.info("persisted endpoints not used: the settings of the engine have changed", engine=self.name)

    def known(self) -> KnownEndpoints | None:
        """Return what is to be persisted; None before the first discovery."""
        return None if self.refreshed_at is None else self._sealed(tuple(self.discovered.values()), self.refreshed_at)

    def _checked(self, found: object, now: float) -> KnownEndpoints:
        if not isinstance(found, Sequence):
            raise EngineError(f"The engine's discovery returned a {type(found).__name__}, expected is a sequence.")
        stranger = next((item for item in found if not isinstance(item, Endpoint)), None)
        if stranger is not None:
            raise EngineError(f"The engine's discovery returned a {type(stranger).__name__}, expected is an Endpoint.")
        try:
            # Exactly what a restart, or the process beside this one, will read.
            return msgspec.json.decode(msgspec.json.encode(self._sealed(tuple(found), now)), type=KnownEndpoints)
        except (TypeError, msgspec.ValidationError) as error:
            raise EngineError(f"An endpoint that the engine discovered can't be kept as JSON: {error}.") from error

    def _sealed(self, endpoints: tuple[Endpoint, ...], refreshed_at: float) -> KnownEndpoints:
        return KnownEndpoints(refreshed_at=refreshed_at, seal=self._seal, endpoints=endpoints)

    def _learn(self, known: KnownEndpoints) -> None:
        # What is found about an endpoint that the configuration describes is taken whatever the patterns say.
        described = self.configured.keys() | self._settings.endpoints.keys()
        self.discovered = {
            item.name: item for item in known.endpoints if item.name in described or self._settings.discovers(item.name)
        }
        self.refreshed_at = known.refreshed_at


def _discovery(configuration: EngineConfiguration) -> DiscoverySettings | None:
    discover = configuration.settings.discover
    if isinstance(discover, DiscoverySettings):
        return discover
    return DiscoverySettings() if discover else None
