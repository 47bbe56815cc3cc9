"""Which endpoints score now. Everything here blocks: it runs in a thread, once at a time.

Listing is what must succeed. A description that AWS refuses (a policy without sagemaker:Describe*, throttling) leaves
that endpoint as it was described before, or without an asset; it costs no other endpoint anything.
"""

import threading
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

import structlog

from adapters.engines.sagemaker.describing import SERVING, Parts, Summary, describe, is_unreached
from adapters.engines.sagemaker.endpoints import Found, discovered_endpoint
from adapters.engines.sagemaker.sdk import ControlPlane, open_control_plane, sdk_errors
from adapters.engines.sagemaker.settings import SageMakerEndpointSettings, SageMakerSettings
from schemas.configuration import DiscoverySettings
from schemas.deployment import Endpoint
from schemas.errors import EngineEndpointNotFoundError, EngineError, EngineUnavailableError

log = structlog.get_logger(__name__)

_PAGE = 100
_NO_DETAILS = SageMakerEndpointSettings()


class Discovery:
    """Lists and describes the endpoints of one account and region; descriptions are kept until they change."""

    def __init__(self, settings: SageMakerSettings) -> None:
        self._settings = settings
        self._wanted = settings.discover if isinstance(settings.discover, DiscoverySettings) else DiscoverySettings()
        self._control: ControlPlane | None = None
        self._known: dict[str, Parts] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the endpoints that can score now and that the configuration wants.

        Raises:
            EngineError: the control plane can't be asked.
            MissingExtraError: boto3 is not installed.
        """
        with self._lock:
            try:
                return [self._endpoint(found) for found in self._found()]
            finally:
                if self._stopped.is_set():
                    self._close()

    def stop(self) -> None:
        """End it: a discovery that is under way gives up after the question that it is asking."""
        self._stopped.set()
        if self._lock.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._lock.release()

    def _close(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None

    def _endpoint(self, found: Found) -> Endpoint:
        return discovered_endpoint(found, self._details(found.name))

    def _details(self, name: str) -> SageMakerEndpointSettings:
        return self._settings.endpoints.get(name, _NO_DETAILS)

    def _found(self) -> list[Found]:
        if self._control is None:
            self._control = open_control_plane(self._settings)
        known: dict[str, Parts] = {}
        for summary in _serving(self._control):
            if self._stopped.is_set():
                raise EngineUnavailableError("The discovery of SageMaker's endpoints was stopped.")
            if not self._may_be_wanted(summary.name):
                continue
            parts = self._parts(self._control, summary)
            if parts is not None:
                known[summary.name] = parts
        self._known = known
        return [found for parts in known.values() for found in parts.found if self._is_wanted(found)]

    def _parts(self, control: ControlPlane, summary: Summary) -> Parts | None:
        known = self._known.get(summary.name)
        if known is not None and known.settled and known.modified_at == summary.modified_at:
            return known
        try:
            return describe(control, summary, variant=self._details(summary.name).variant, known=known)
        except EngineEndpointNotFoundError:
            return None
        except EngineError as error:
            if is_unreached(error):
                raise
            if known is not None:
                return known
            log.warning("endpoint can't be described", endpoint=summary.name, problem=error.message)
            return Parts(modified_at=summary.modified_at, found=(summary.found(),), settled=False)

    def _may_be_wanted(self, endpoint: str) -> bool:
        # A pattern can name an endpoint, and thereby all of its components, or single components.
        taken = any(fnmatchcase(endpoint, pattern.partition("/")[0]) for pattern in self._wanted.include)
        return taken and not any(fnmatchcase(endpoint, pattern) for pattern in self._wanted.exclude)

    def _is_wanted(self, found: Found) -> bool:
        if self._details(found.name).endpoint not in (None, found.endpoint):
            return False  # the configuration gives its name to another endpoint
        names = {found.endpoint, found.name}
        return _matches(names, self._wanted.include) and not _matches(names, self._wanted.exclude)


def _matches(names: set[str], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _serving(control: ControlPlane) -> Iterator[Summary]:
    with sdk_errors("SageMaker's endpoints can't be listed"):
        pages = control.get_paginator("list_endpoints").paginate(PaginationConfig={"PageSize": _PAGE})
        items = [item for page in pages for item in page["Endpoints"]]
    for item in items:
        if item["EndpointStatus"] in SERVING:
            yield Summary(
                name=item["EndpointName"],
                arn=item["EndpointArn"],
                created_at=item["CreationTime"],
                modified_at=item["LastModifiedTime"],
            )
