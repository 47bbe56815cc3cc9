"""What an engine is: discovery, and one method that moves bytes."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from msgspec import Struct, field

from adapters.base.transport import Transport
from schemas.configuration import EngineSettings
from schemas.deployment import Endpoint


class NativeRequest(Struct, frozen=True):
    """A request in the endpoint's own form.

    Attributes:
        body: in the endpoint's format.
        content_type: of `body`.
        accept: media type of the answer that the format can read; None: any.
        headers: to be sent beside the engine's own, which count more.
    """

    body: bytes
    content_type: str
    accept: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class NativeResponse(Struct, frozen=True):
    """The platform's answer to a request that it took: always a success, whatever its status is called there."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class CallContext(Struct, frozen=True):
    """One attempt of one call.

    Attributes:
        scoring_id: to be sent as the platform's correlation id, where it has one.
        deadline: on the clock of the running event loop, in seconds; the attempt must end by then.
    """

    scoring_id: str
    deadline: float


class Engine(Protocol):
    """A native platform, connected: one AWS account and region, one Azure workspace."""

    def configured(self) -> Sequence[Endpoint]:
        """Return the endpoints that the configuration itself describes: no I/O, the same at every call."""
        ...

    async def endpoints(self) -> Sequence[Endpoint]:
        """Discover the endpoints that can score now; those of the configuration need not be repeated.

        Called in the background, never for a scoring call, and not at all with `discover: false`. Blocking SDKs run in
        a thread. Details that the configuration gives for a discovered endpoint are merged in here.

        What is returned takes the place of what an earlier process found. So an endpoint that can't be described for a
        moment, and of which this process knows nothing yet, is better raised for than left out:
        `adapters.base.patience` says for how long.

        Raises:
            EngineError: the platform can't be asked now; the last directory is served on.
            MissingExtraError: the SDK that discovery needs is not installed.
        """
        ...

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        """Score once: one attempt, and one more after a 401 with a fresh token. No other retry, no waiting.

        Cancelling it closes the exchange with the platform.

        Raises:
            EngineUnavailableError: not reached, or throttled; `retryable` and `retry_after` say what may follow.
            EngineTimeoutError: no answer by the deadline, or the platform says that the model took too long.
            EngineRefusedError: the platform said no.
            EngineReplyError: the answer was cut short, or can't be an answer.
        """
        ...


class EnginePlugin(Struct, frozen=True, kw_only=True):
    """Entry point group `openscale_gateway.engines`.

    Attributes:
        kind: the `type` of the configuration.
        settings: struct that this engine's part of the configuration is validated against.
        connect: `connect(settings, transport)`, an async context manager; quick, and without network.
        timeout_seconds: time of a request to an endpoint where neither deployment nor endpoint sets one.
        api_version: of this module.
    """

    kind: str
    settings: type[EngineSettings]
    connect: Callable[[Any, Transport], AbstractAsyncContextManager[Engine]]
    timeout_seconds: float = 60.0
    api_version: int = 1
