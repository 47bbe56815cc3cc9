import asyncpg
import pytest

from adapters.sinks.postgres.failures import sink_errors
from schemas.errors import SinkRefusedError, SinkUnavailableError

QUOTE = "a value of the payload"


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InvalidTextRepresentationError(QUOTE),
        asyncpg.UntranslatableCharacterError(QUOTE),
        asyncpg.ProgramLimitExceededError(QUOTE),
        asyncpg.NotNullViolationError(QUOTE),
        asyncpg.DataError(QUOTE),
    ],
)
def test_what_is_wrong_with_the_rows_is_refused(error: asyncpg.PostgresError) -> None:
    with pytest.raises(SinkRefusedError, match=error.sqlstate) as caught, sink_errors():
        raise error
    assert QUOTE not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (asyncpg.DiskFullError(QUOTE), "disk is full"),
        (asyncpg.TooManyConnectionsError(QUOTE), "too many connections"),
        (asyncpg.DeadlockDetectedError(QUOTE), "each other's way"),
        (asyncpg.SerializationError(QUOTE), "each other's way"),
        (asyncpg.InsufficientPrivilegeError(QUOTE), "lacks a privilege"),
        (asyncpg.InvalidPasswordError(QUOTE), "rejects the credentials"),
        (asyncpg.ReadOnlySQLTransactionError(QUOTE), "standby"),
        (asyncpg.AdminShutdownError(QUOTE), "stopping"),
        (asyncpg.CannotConnectNowError(QUOTE), "starting"),
        (asyncpg.QueryCanceledError(QUOTE), "statement_timeout_seconds"),
        (asyncpg.CheckViolationError(QUOTE), "no partition"),
        (asyncpg.ConnectionDoesNotExistError(QUOTE), "connection is lost"),
        (asyncpg.RaiseError(QUOTE), "unexpected"),
        (asyncpg.PostgresError(QUOTE), "SQLSTATE unknown"),
        (asyncpg.InterfaceError(QUOTE), "InterfaceError"),
        (ConnectionRefusedError(QUOTE), "ConnectionRefusedError"),
        (TimeoutError(QUOTE), "no answer in time"),
    ],
)
def test_anything_else_is_unavailable_and_the_message_says_what_to_do(error: Exception, words: str) -> None:
    with pytest.raises(SinkUnavailableError, match=words) as caught, sink_errors():
        raise error
    assert QUOTE not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_a_violated_check_of_the_table_is_refused_unlike_a_missing_partition() -> None:
    error = asyncpg.CheckViolationError(QUOTE)
    error.constraint_name = "unwanted"
    with pytest.raises(SinkRefusedError), sink_errors():
        raise error
