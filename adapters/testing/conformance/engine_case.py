"""What the contract of engines needs to know of one."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from msgspec import Struct

from adapters.base import EnginePlugin, NativeRequest
from adapters.testing.emulator import Emulator, Fault
from schemas.configuration import EngineSettings
from schemas.deployment import Limits
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnavailableError,
)


class KnownCall(Struct, frozen=True):
    """A call whose answer is known: the endpoint's name, the request, and the body of the answer."""

    endpoint: str
    request: NativeRequest
    answer: bytes


class Counterpart(Struct, frozen=True, kw_only=True):
    """An emulated platform that runs, with one endpoint that scores.

    Attributes:
        emulator: what listens.
        settings: of an engine that discovers the endpoint; where the platform lists nothing, that knows it.
        settings_at: `settings_at(url)`: of an engine that does not discover, and knows an endpoint of the same name
            below that base URL (the emulator's, or another). Where discovery alone can tell (`discovery_only` of the
            case), of one that scores there.
        wrong_credentials: like `settings`, with credentials that the platform refuses; None where it takes none.
        endpoint: its name.
        request: that it scores.
        answer: the body that it answers to `request`.
        secrets: values that must not show anywhere: those of the settings, and keys that the platform hands out. What
            goes out in a header Authorization is one by itself.
        others: further calls, whose answers all differ: one to the same endpoint with other rows, and one to another
            endpoint that `settings` let be discovered, or know. Without them, neither an engine that calls another
            model nor one that sends another caller's rows is found out.
        limits: of the endpoint, as `settings` let it be discovered, or know it.
    """

    emulator: Emulator
    settings: EngineSettings
    settings_at: Callable[[str], EngineSettings]
    wrong_credentials: EngineSettings | None
    endpoint: str
    request: NativeRequest
    answer: bytes
    secrets: Sequence[str]
    others: Sequence[KnownCall] = ()
    limits: Limits = Limits()

    @property
    def calls(self) -> list[KnownCall]:
        """All calls whose answers are known."""
        return [KnownCall(self.endpoint, self.request, self.answer), *self.others]


class Failure(Struct, frozen=True, kw_only=True):
    """What the platform answers instead, and what the engine has to make of it.

    Attributes:
        name: of the test.
        fault: what the platform does.
        error: exactly this type is raised, with the other attributes as they stand here.
        engine_message: None: not looked at.
    """

    name: str
    fault: Fault
    error: type[EngineError]
    retryable: bool = False
    engine_status: int | None
    engine_message: str | None = None
    retry_after: float | None = None


class EngineCase(Struct, frozen=True, kw_only=True):
    """An engine under contract.

    Attributes:
        plugin: its descriptor.
        start: starts a fresh counterpart.
        failures: of the scoring route, one or more; `http_failures` makes those of platforms that mean what HTTP says.
        scoring_route: name of the emulator's route that scores.
        control_route: of one that discovery asks; None where the platform lists nothing.
        scoring_id_header: of a scoring request, where the platform has one for a correlation id; None: not looked at.
        discovery_only: the configuration can't make an endpoint known, only discovery can: `configured` returns none.
    """

    plugin: EnginePlugin
    start: Callable[[], AbstractAsyncContextManager[Counterpart]]
    failures: Sequence[Failure]
    scoring_route: str
    control_route: str | None
    scoring_id_header: str | None = None
    discovery_only: bool = False


def http_failures(route: str, *, body: bytes, words: str) -> list[Failure]:
    """Return what `adapters.base.http_errors` makes of statuses.

    Args:
        route: that scores.
        body: of the platform's errors.
        words: what the platform says in it.
    """

    def fault(status: int, *, times: int | None = 1, headers: Mapping[str, str] | None = None) -> Fault:
        return Fault(route=route, status=status, body=body, times=times, headers=dict(headers or {}))

    refused = [
        Failure(
            name=f"status {status}",
            fault=fault(status, times=None),
            error=EngineRefusedError,
            engine_status=status,
            engine_message=words,
        )
        for status in (400, 401, 403, 413, 500, 502)
    ]
    timeouts = [
        Failure(name=f"status {status}", fault=fault(status), error=EngineTimeoutError, engine_status=status)
        for status in (408, 504)
    ]
    unavailable = [
        Failure(
            name=f"status {status}",
            fault=fault(status, headers={"Retry-After": "3"}),
            error=EngineUnavailableError,
            retryable=True,
            engine_status=status,
            retry_after=3.0,
        )
        for status in (429, 503)
    ]
    others = [
        Failure(name="status 404", fault=fault(404), error=EngineEndpointNotFoundError, engine_status=404),
        Failure(
            name="a redirect",
            fault=fault(302, headers={"Location": "/elsewhere"}),
            error=EngineRefusedError,
            engine_status=302,
        ),
        Failure(
            name="a proxy's page",
            fault=Fault(route=route, status=502, body=b"<html>Bad gateway</html>", content_type="text/html"),
            error=EngineRefusedError,
            engine_status=502,
            engine_message="<html>Bad gateway</html>",
        ),
    ]
    return [*refused, *timeouts, *unavailable, *others]
