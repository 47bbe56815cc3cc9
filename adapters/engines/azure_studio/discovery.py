"""From the web services of a subscription to endpoints."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
import structlog

from adapters.base.http_access import may_carry_token
from adapters.base.patience import Patience, may_pass
from adapters.base.timestamps import utc_timestamp
from adapters.engines.azure_studio.arm import ControlPlane, WebService
from adapters.engines.azure_studio.native import Native
from adapters.engines.azure_studio.settings import AzureStudioEndpointSettings, AzureStudioSettings, scoring_url
from schemas.deployment import Asset, Endpoint
from schemas.errors import EngineError

DISCOVERY_SECONDS = 300.0
"""IBM advises to give slow listings five minutes."""
SERVICES_AT_ONCE = 8
_SWAGGER = "/swagger.json"
_NO_SETTINGS = AzureStudioEndpointSettings()
Part = TypeVar("Part")

log = structlog.get_logger(__name__)


class Discovery:
    """Lists web services, and asks for columns and key of each.

    Args:
        settings: of the engine.
        control: Azure Resource Manager.
    """

    def __init__(self, settings: AzureStudioSettings, control: ControlPlane) -> None:
        self._settings = settings
        self._control = control
        self._columns: dict[str, tuple[str | None, tuple[str, ...] | None]] = {}
        self._patience = Patience()

    async def endpoints(self) -> list[Endpoint]:
        """Return the services that can score; one at fault does not hide the others.

        A service whose columns can't be had for the moment keeps those that were known; without any it is left out, but
        not before they were asked for a few times: see `Patience`. One without its key stays: its first call asks for
        the key again.

        Raises:
            EngineError: the services can't be listed, or none of them can be described, or one can't be that an earlier
                process may have known.
        """
        deadline = asyncio.get_running_loop().time() + DISCOVERY_SECONDS
        listed = await self._control.services(deadline)
        named = {self._name(service): service for service in listed if can_score(service)}
        wanted = {name: service for name, service in named.items() if self._wanted(name)}
        limit = asyncio.Semaphore(SERVICES_AT_ONCE)

        async def described(name: str, service: WebService) -> Endpoint | EngineError:
            async with limit:
                return await self._described(name, service, deadline)

        found = await asyncio.gather(*(described(name, service) for name, service in wanted.items()))
        endpoints = [item for item in found if isinstance(item, Endpoint)]
        failures = [(name, item) for name, item in zip(wanted, found, strict=True) if isinstance(item, EngineError)]
        awaited = [error for name, error in failures if self._patience.lasts(name, error)]
        if awaited or (failures and not endpoints):
            raise awaited[0] if awaited else failures[0][1]
        return endpoints

    async def _described(self, name: str, service: WebService, deadline: float) -> Endpoint | EngineError:
        settings = self._settings.endpoints.get(name, _NO_SETTINGS)
        columns = await _outcome(self._columns_of(service, deadline), name, "columns")
        if isinstance(columns, EngineError):
            return columns
        url = scoring_url(_execute_url(service), self._settings.style_of(settings))
        if settings.key is not None:
            return endpoint_of(name, service, columns, Native(url=url), settings)
        key = await _outcome(self._control.key(service.id, deadline), name, "key")
        native = Native(url=url, key=None if isinstance(key, EngineError) else key, arm_id=service.id)
        return endpoint_of(name, service, columns, native, settings)

    async def _columns_of(self, service: WebService, deadline: float) -> tuple[str, ...] | None:
        modified = service.properties.modified_on
        known = self._columns.get(service.id)
        if known is None or modified is None or known[0] != modified:
            try:
                known = (modified, await self._control.columns(service, deadline))
            except EngineError as error:
                if known is None or not may_pass(error):
                    raise
                log.warning("columns of a service not renewed", service=service.name, problem=error.message)
            else:
                self._columns[service.id] = known
        return known[1]

    def _name(self, service: WebService) -> str:
        # By itself alone: a name that counted on there being no other of its kind would change its meaning with them.
        grouped = self._settings.resource_group is None and service.resource_group
        return f"{service.resource_group}/{service.name}" if grouped else service.name

    def _wanted(self, name: str) -> bool:
        entry = self._settings.endpoints.get(name)
        # What the configuration describes is wanted, whatever the patterns say; what it has by URL is known already.
        return self._settings.discovers(name) if entry is None else entry.url is None


def can_score(service: WebService) -> bool:
    """Whether a service is provisioned, at a URL that its key may be sent to."""
    location = service.properties.swagger_location or ""
    provisioned = (service.properties.provisioning_state or "Succeeded").lower() == "succeeded"
    return provisioned and urlsplit(location).path.endswith(_SWAGGER) and may_carry_token(location)


def endpoint_of(
    name: str,
    service: WebService,
    columns: tuple[str, ...] | None,
    native: Native,
    settings: AzureStudioEndpointSettings,
) -> Endpoint:
    """Make the endpoint of a service that `can_score`.

    Args:
        name: of the endpoint.
        service: as it is listed.
        columns: what it takes, where it says so.
        native: how it is called.
        settings: what the configuration adds.
    """
    listed = service.properties
    limits = settings.limits.limits()
    realtime = listed.realtime_configuration
    at_once = realtime.max_parallel if realtime is not None and realtime.max_parallel else limits.max_parallel
    created_at = utc_timestamp(listed.created_on)
    return Endpoint(
        name=name,
        title=listed.title or None,
        description=listed.description or "",
        rn=service.id,
        created_at=created_at,
        modified_at=utc_timestamp(listed.modified_on),
        asset=Asset(
            id=service.id,
            name=listed.title or service.name,
            url=listed.swagger_location,
            rn=service.id,
            created_at=created_at,
        ),
        columns=columns,
        native=native.as_json(),
        limits=msgspec.structs.replace(limits, max_parallel=min(limits.max_parallel, at_once)),
    )


def _execute_url(service: WebService) -> str:
    # No property holds it; it is beside the description of the service's own API.
    return (service.properties.swagger_location or "").partition("?")[0].removesuffix(_SWAGGER) + "/execute"


async def _outcome(asked: Awaitable[Part], name: str, what: str) -> Part | EngineError:
    try:
        return await asked
    except EngineError as error:
        log.warning("Azure ML Studio service not read", endpoint=name, part=what, problem=error.message)
        return error
