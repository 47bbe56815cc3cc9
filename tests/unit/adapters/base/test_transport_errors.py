import pytest

from adapters.base import (
    ConnectError,
    ConnectionLostError,
    ResponseTooLargeError,
    TransportError,
    TransportTimeoutError,
)
from adapters.base.transport_errors import engine_errors
from schemas.errors import EngineError, EngineReplyError, EngineTimeoutError, EngineUnavailableError


@pytest.mark.parametrize(
    ("error", "expected", "retryable"),
    [
        (ConnectError("No connection to host."), EngineUnavailableError, True),
        (TransportTimeoutError("No answer of host in time."), EngineTimeoutError, False),
        (ConnectionLostError("The connection to host broke."), EngineUnavailableError, False),
        (ResponseTooLargeError("The answer has 7 bytes."), EngineReplyError, False),
        (TransportError("Something else."), EngineUnavailableError, False),
    ],
)
def test_only_what_was_never_sent_may_be_sent_again(
    error: TransportError, expected: type[EngineError], retryable: bool
) -> None:
    with pytest.raises(EngineError) as caught, engine_errors("The platform"):
        raise error
    assert type(caught.value) is expected
    assert caught.value.retryable is retryable
    assert caught.value.message.startswith("The platform ")
    assert str(error).rstrip(".") in caught.value.message
    assert caught.value.__cause__ is error


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), engine_errors("The platform"):
        raise KeyError("a fault of ours")
