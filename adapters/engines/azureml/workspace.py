"""What the workspace holds: listed in a thread, by a deadline, and remembered where it can't be told again."""

import asyncio
from collections import Counter
from fnmatch import fnmatchcase
from threading import Event

import msgspec

from adapters.base import Token, TokenSource
from adapters.engines.azureml.native import owner_of
from adapters.engines.azureml.sdk import ListedDeployment, ListedEndpoint, list_endpoints
from adapters.engines.azureml.settings import AzureSettings
from schemas.configuration import DiscoverySettings
from schemas.errors import EngineRefusedError, EngineUnavailableError

DISCOVERY_SECONDS = 120.0
MAX_MISSED = 2
"""How often an endpoint whose deployments can't be listed now delays all, before it is listed without them."""


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
        self._missed: Counter[str] = Counter()

    async def listed(self, deadline: float) -> list[ListedEndpoint]:
        """Ask the workspace; deployments that can't be listed now are those of the last time.

        Raises:
            EngineError: it can't be listed. Or the deployments of an endpoint can't be, of which nothing is known yet,
                where each is to be an entry: not to lose those that an earlier run knew, it is asked again, but only
                `MAX_MISSED` times.
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
        missing = names - self._deployments.keys()
        self._missed.update(missing)
        if self._settings.list_by == "deployment" and any(self._missed[name] <= MAX_MISSED for name in missing):
            raise EngineUnavailableError("The deployments of endpoints can't be listed now.", retryable=True)
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
        details = self._settings.endpoints
        if name in details and details[name].url is not None:
            return False
        patterns = self._settings.discover
        if not isinstance(patterns, DiscoverySettings):
            return True
        # A pattern can name an endpoint, and thereby all of its deployments, or single deployments.
        included = any(fnmatchcase(name, owner_of(pattern)) for pattern in patterns.include)
        return included and not any(fnmatchcase(name, pattern) for pattern in patterns.exclude)
