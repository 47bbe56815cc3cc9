"""From the driver's errors to ours. No text of the server is repeated: it may quote a row."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from schemas.errors import PayloadLogError, SinkRefusedError, SinkUnavailableError

if TYPE_CHECKING:
    from asyncpg import PostgresError

# Classes of SQLSTATE (PostgreSQL manual, appendix A) that speak of the data: invalid, against a constraint, too large.
_REFUSED = ("22", "23", "54")

# The longest prefix of a SQLSTATE wins.
_ADVICE = {
    "08": "the connection is lost",
    "22": "a value can't be stored",
    "23": "a row breaks a constraint of the table",
    "23514": "no partition takes the row; with `create: false` make the month's",
    "25006": "it is a standby; add target_session_attrs=read-write to `dsn`",
    "28": "it rejects the credentials of `dsn`",
    "3D000": "it does not know the database of `dsn`",
    "3F000": "it does not know the schema: create it, or correct `schema`",
    "40": "transactions got into each other's way",
    "42501": "the user of `dsn` lacks a privilege (docs/sinks/postgres.md lists them)",
    "42703": "the table lacks a column (docs/sinks/postgres.md lists them)",
    "42804": "a column has a type that does not fit (docs/sinks/postgres.md lists them)",
    "42P01": "the table is gone",
    "42P07": "a table has the name of a partition and is none: rename it, or attach it",
    "42P17": "a partition that the gateway did not make covers a part of the month: with `create: false` you keep them",
    "53": "it is short of resources",
    "53100": "its disk is full",
    "53300": "it has too many connections",
    "54": "a row is too large for it",
    "55P03": "somebody holds a lock on the table",
    "57014": "a statement took longer than `statement_timeout_seconds`, or somebody cancelled it",
    "57P": "it is starting, stopping, or was told to end the connection",
    "58": "its own storage fails",
}


@contextmanager
def sink_errors() -> Iterator[None]:
    """Raise one of our errors for one of the driver's, or of the network's.

    Raises:
        SinkUnavailableError: not taken now.
        SinkRefusedError: the rows can't be stored as they are.
    """
    from asyncpg import InterfaceError, InternalClientError, PostgresError  # noqa: PLC0415 - slow, and optional

    try:
        yield
    except PostgresError as error:
        raise _failure(error) from None
    except TimeoutError:
        raise SinkUnavailableError("PostgreSQL gave no answer in time.") from None
    except (OSError, InterfaceError, InternalClientError) as error:
        raise SinkUnavailableError(
            f"PostgreSQL can't be reached, or the connection is lost ({type(error).__name__}): check `dsn`."
        ) from None


def _failure(error: "PostgresError") -> PayloadLogError:
    state = error.sqlstate or ""
    advice = next((_ADVICE[state[:size]] for size in (5, 3, 2) if state[:size] in _ADVICE), "unexpected")
    if state.startswith(_REFUSED) and not is_missing_partition(error):
        return SinkRefusedError(f"PostgreSQL refuses the rows (SQLSTATE {state}): {advice}.")
    return SinkUnavailableError(f"PostgreSQL does not take part now (SQLSTATE {state or 'unknown'}): {advice}.")


def is_missing_partition(error: "PostgresError") -> bool:
    """Whether a row had no partition to go to: the same code as a violated check, which has a name."""
    return error.sqlstate == "23514" and not getattr(error, "constraint_name", None)
