"""From the transport's errors to an engine's, in one place for all engines."""

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.base.transport import (
    ConnectError,
    ConnectionLostError,
    ResponseTooLargeError,
    TransportError,
    TransportTimeoutError,
)
from schemas.errors import EngineError, EngineReplyError, EngineTimeoutError, EngineUnavailableError


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Raise an `EngineError` for a `TransportError` of the block.

    Args:
        what: who was asked, as the subject of a sentence: `Azure ML endpoint credit`.

    Raises:
        EngineUnavailableError: retryable where nothing was sent; not so where the connection was lost later, since the
            platform may have worked on the call.
        EngineTimeoutError: no answer by the deadline.
        EngineReplyError: the answer is larger than the engine takes.
    """
    try:
        yield
    except TransportError as error:
        raise _engine_error(what, error) from error


def _engine_error(what: str, error: TransportError) -> EngineError:
    match error:
        case ConnectError():
            return EngineUnavailableError(f"{what} can't be reached ({error}): nothing was sent.", retryable=True)
        case TransportTimeoutError():
            return EngineTimeoutError(f"{what} gave no answer in time ({error}).")
        case ConnectionLostError():
            return EngineUnavailableError(f"{what} closed the connection before its answer was complete ({error}).")
        case ResponseTooLargeError():
            return EngineReplyError(f"{what} sent an answer that is too large ({error}).")
    return EngineUnavailableError(f"{what} did not answer ({error}).")
