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


class Counterpart(Struct, frozen=True, kw_only=True):
    """An emulated platform that runs, with one endpoint that scores.

    Attributes:
        emulator: what listens.
        settings: of an engine that discovers the endpoint; where the platform lists nothing, that knows it.
        settings_at: `settings_at(url)`: of an engine that does not discover, and knows an endpoint of the same name
            below that base URL (the emulator's, or another).
        wrong_credentials: like `settings`, with credentials that the platform refuses; None where it takes none.
        endpoint: its name.
        request: that it scores.
        answer: the body that it answers to `request`.
        secrets: values that must not show anywhere.
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
    limits: Limits = Limits()


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
    """

    plugin: EnginePlugin
    start: Callable[[], AbstractAsyncContextManager[Counterpart]]
    failures: Sequence[Failure]
    scoring_route: str
    control_route: str | None


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
