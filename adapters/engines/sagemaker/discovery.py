"""Which endpoints score now. Everything here blocks: it runs in a thread, once at a time.

Listing is what must succeed. A description that AWS refuses (a policy without sagemaker:Describe*) leaves that endpoint
as it was described before, or without an asset; it costs no other endpoint anything. One that can't be had now (AWS
throttles, or does not answer) leaves it as it was, too; where nothing is known yet, the discovery is repeated a few
times (`Patience`), lest components and limits that an earlier run knew are lost. What was described is kept over that.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from adapters.base.patience import Patience
from adapters.engines.sagemaker.describing import PAGE, SERVING, Parts, Summary, describe
from adapters.engines.sagemaker.endpoints import Found, discovered_endpoint, target_of
from adapters.engines.sagemaker.sdk import ControlPlane, open_control_plane, sdk_errors
from adapters.engines.sagemaker.settings import SageMakerEndpointSettings, SageMakerSettings
from schemas.deployment import Endpoint
from schemas.errors import EngineEndpointNotFoundError, EngineError, EngineRefusedError, EngineUnavailableError

SECONDS = 120.0
"""After which no further endpoint is described in one discovery."""
AT_ONCE = 4
"""Endpoints described at the same time: AWS throttles these operations early."""
REOPEN_SECONDS = 60.0
"""How long a client of the control plane is kept although it is refused: the AWS chain may have other keys by then."""

log = structlog.get_logger(__name__)

_NO_DETAILS = SageMakerEndpointSettings()


class Discovery:
    """Lists and describes the endpoints of one account and region; descriptions are kept until they change.

    Args:
        settings: of the engine.
        seconds: see `SECONDS`; `reopen_seconds` likewise.
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        settings: SageMakerSettings,
        *,
        seconds: float = SECONDS,
        reopen_seconds: float = REOPEN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._targets = {name: target_of(name, entry) for name, entry in settings.endpoints.items()}
        self._seconds = seconds
        self._reopen_seconds = reopen_seconds
        self._clock = clock
        self._control: ControlPlane | None = None
        self._opened_at = 0.0
        self._known: dict[str, Parts] = {}
        self._patience = Patience()
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the endpoints that can score now and that the configuration wants, or describes itself.

        Raises:
            EngineError: the control plane can't be asked.
            MissingExtraError: boto3 is not installed.
        """
        with self._lock:
            try:
                return self._endpoints(self._found(self._opened()))
            except EngineRefusedError:
                if self._clock() - self._opened_at >= self._reopen_seconds:
                    self._close()
                raise
            finally:
                if self._stopped.is_set():
                    self._close()

    def stop(self) -> None:
        """End it: a discovery that is under way gives up after the questions that it is asking."""
        self._stopped.set()
        if self._lock.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._lock.release()

    def _opened(self) -> ControlPlane:
        if self._control is None:
            self._control, self._opened_at = open_control_plane(self._settings), self._clock()
        return self._control

    def _close(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None

    def _endpoints(self, found: Sequence[Found]) -> list[Endpoint]:
        entries = self._settings.endpoints
        by_target = {(item.endpoint, item.component): item for item in found}
        listed = [item for item in found if item.name not in entries and self._settings.discovers(item.name)]
        own = [(by_target[target], name) for name, target in self._targets.items() if target in by_target]
        return [
            *(discovered_endpoint(item, item.name, _NO_DETAILS) for item in listed),
            *(discovered_endpoint(item, name, entries[name]) for item, name in own),
        ]

    def _found(self, control: ControlPlane) -> list[Found]:
        serving = [item for item in _serving(control) if self._may_be_wanted(item.name)]
        names = {item.name for item in serving}
        self._known = {name: parts for name, parts in self._known.items() if name in names}
        unsettled = [item for item in serving if not self._is_settled(item)]
        self._describe_all(control, sorted(unsettled, key=lambda item: item.name in self._known))
        return [found for item in serving if item.name in self._known for found in self._known[item.name].found]

    def _describe_all(self, control: ControlPlane, summaries: Sequence[Summary]) -> None:
        """Describe endpoints, a few at a time.

        Raises:
            EngineError: it was stopped; or time was up for endpoints of which nothing is known yet, or they can't be
                described now.
        """
        deadline = self._clock() + self._seconds

        def learn(summary: Summary) -> EngineError | None:
            if self._stopped.is_set():
                return EngineUnavailableError("The discovery of SageMaker's endpoints was stopped.")
            if self._clock() < deadline:
                return self._learn(control, summary)
            if summary.name in self._known:
                return None
            return EngineUnavailableError(
                f"The endpoints were not described within {self._seconds:g} seconds: the next discovery goes on.",
                retryable=True,
            )

        if not summaries:
            return
        with ThreadPoolExecutor(min(AT_ONCE, len(summaries)), "sagemaker-discovery") as threads:
            missing = [error for error in threads.map(learn, summaries) if error is not None]
        if missing:
            raise missing[0]

    def _learn(self, control: ControlPlane, summary: Summary) -> EngineError | None:
        """Describe one endpoint; return why it has to be asked again before the endpoints are known."""
        name = summary.name
        known = self._known.get(name)
        try:
            self._known[name] = describe(control, summary, variants=self._variants(name), known=known)
        except EngineEndpointNotFoundError:
            self._known.pop(name, None)
        except EngineError as error:
            if known is not None:
                return None
            if self._patience.lasts(name, error):
                return error
            log.warning("endpoint can't be described", endpoint=name, problem=error.message)
            self._known[name] = Parts(modified_at=summary.modified_at, found=(summary.found(),), settled=False)
        return None

    def _is_settled(self, summary: Summary) -> bool:
        known = self._known.get(summary.name)
        return (
            known is not None
            and known.settled
            and summary.modified_at is not None
            and known.modified_at == summary.modified_at
        )

    def _variants(self, endpoint: str) -> set[str]:
        return {
            entry.variant
            for name, entry in self._settings.endpoints.items()
            if entry.variant is not None and self._targets[name][0] == endpoint
        }

    def _may_be_wanted(self, endpoint: str) -> bool:
        # Whether it hosts components is told only by its description.
        configured = any(endpoint == target for target, _ in self._targets.values())
        return configured or self._settings.discovers_within(endpoint)


def _serving(control: ControlPlane) -> list[Summary]:
    with sdk_errors("SageMaker's endpoints can't be listed"):
        pages = control.get_paginator("list_endpoints").paginate(PaginationConfig={"PageSize": PAGE})
        items = [item for page in pages for item in page.get("Endpoints") or []]
    return [
        Summary(
            name=item["EndpointName"],
            arn=item.get("EndpointArn"),
            created_at=item.get("CreationTime"),
            modified_at=item.get("LastModifiedTime"),
        )
        for item in items
        if item.get("EndpointStatus") in SERVING and item.get("EndpointName")
    ]
