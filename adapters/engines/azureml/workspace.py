"""What the workspace holds: listed in a thread, by a deadline, and remembered where it can't be told again."""

import asyncio
from threading import Event

import msgspec

from adapters.base import Token, TokenSource
from adapters.base.patience import Patience
from adapters.engines.azureml.native import owner_of
from adapters.engines.azureml.sdk import ListedDeployment, ListedEndpoint, list_endpoints
from adapters.engines.azureml.settings import AzureSettings
from schemas.errors import EngineRefusedError, EngineUnavailableError

DISCOVERY_SECONDS = 120.0


class Workspace:
    """The online endpoints of a workspace, with their deployments.

    Args:
        settings: of the engine.
        tokens: for the control plane.
    """

    def __init__(self, settings: AzureSettings, tokens: TokenSource) -> None:
        self._settings = settings
        self._tokens = tokens
        self._deployments: dict[str, tuple[ListedDeployment, ...]] = {}
        self._patience = Patience()
        self._configured = {owner_of(name) for name, entry in settings.endpoints.items() if entry.url is None}

    async def listed(self, deadline: float) -> list[ListedEndpoint]:
        """Ask the workspace; deployments that can't be listed now are those of the last time.

        Raises:
            EngineError: it can't be listed; or the deployments of an endpoint can't be for the moment, of which nothing
                is known yet, but an earlier process may have known it: see `Patience`.
        """
        token = await self._tokens.token(deadline=deadline)
        try:
            listed = await self._list(token, deadline)
        except EngineRefusedError as error:
            if error.engine_status != 401:  # noqa: PLR2004 - HTTP
                raise
            token = await self._tokens.token(deadline=deadline, rejected=token)
            listed = await self._list(token, deadline)
        return self._completed(listed)

    def _completed(self, listed: list[ListedEndpoint]) -> list[ListedEndpoint]:
        told = {item.name: item.deployments for item in listed if item.deployments is not None}
        names = {item.name for item in listed}
        self._deployments = {name: known for name, known in self._deployments.items() if name in names} | told
        failures = [(item.name, item.problem) for item in listed if item.name not in self._deployments]
        awaited = [error for name, error in failures if error is not None and self._patience.lasts(name, error)]
        if awaited:
            raise awaited[0]
        return [msgspec.structs.replace(item, deployments=self._deployments.get(item.name)) for item in listed]

    async def _list(self, token: Token, deadline: float) -> list[ListedEndpoint]:
        abandoned = Event()
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.to_thread(
                    list_endpoints, self._settings, token, wanted=self._wanted, abandoned=abandoned
                )
        except TimeoutError:
            raise EngineUnavailableError(
                f"The workspace was not listed within {DISCOVERY_SECONDS:.0f} seconds.", retryable=True
            ) from None
        finally:
            # A thread can't be cancelled: this ends it before its next request.
            abandoned.set()

    def _wanted(self, name: str) -> bool:
        if name in self._configured:
            return True
        if name in self._settings.endpoints:
            return False  # known by its URL
        by_deployment = self._settings.list_by == "deployment"
        return self._settings.discovers_within(name) if by_deployment else self._settings.discovers(name)
