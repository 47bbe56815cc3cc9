"""What the sink needs of a store. Blocking: everything here is called in a thread."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import msgspec

from adapters.base import Response
from adapters.base.retry_after import retry_after
from schemas.errors import SinkRefusedError, SinkUnavailableError

CONNECT_SECONDS = 5
READ_SECONDS = 20
"""How long a store may be silent: a thread that waits for it ends then."""

_TOO_LARGE = 413


class Store(Protocol):
    """A folder, a bucket or a container."""

    def put(self, name: str, body: bytes, content_type: str) -> None:
        """Write an object in one step: readers see all of it or nothing. When it returns, the object is durable.

        Raises:
            SinkUnavailableError: not written now, as far as is known.
            SinkRefusedError: it is too large for the store.
        """
        ...

    def names(self, beginning: str) -> Sequence[str]:
        """Return the names of the objects whose names begin so; none where listing is not permitted.

        Raises:
            SinkUnavailableError: it can't be told now.
        """
        ...

    def all_names(self, beginning: str) -> Iterator[str]:
        """Yield the names of all objects whose names begin so, page by page.

        Raises:
            SinkUnavailableError: it can't be told now, or listing is not permitted.
        """
        ...

    def get(self, name: str) -> bytes | None:
        """Return an object; None where it is not there.

        Raises:
            SinkUnavailableError: it can't be read now.
        """
        ...

    def close(self) -> None:
        """Close connections."""
        ...


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How a store says no.

    Attributes:
        status: of HTTP.
        code: the store's name for it; an identifier, or empty.
        headers: with names in lower case.
    """

    status: int
    code: str = ""
    headers: dict[str, str] = {}


def refusal(
    answer: Answer, *, what: str, advice: Callable[[Answer], str], now: float, task: str = "store the object"
) -> Exception:
    """Return our error for a store's no. Only size is a record's fault: anything else costs none.

    Args:
        answer: the store's.
        task: what it was asked to do, for the message.
        what: the store, for the message.
        advice: returns what to do about a status below 500.
        now: seconds of the Unix epoch.
    """
    code = f", {answer.code}" if answer.code.isidentifier() and len(answer.code) <= 64 else ""  # noqa: PLR2004
    told = f"{what} does not {task} (status {answer.status}{code})"
    if answer.status == _TOO_LARGE or answer.code == "EntityTooLarge":
        return SinkRefusedError(f"{told}: it is too large.")
    hint = "it is down or throttles" if answer.status >= 500 or answer.status in (408, 429) else advice(answer)  # noqa: PLR2004 - HTTP
    wait = retry_after(Response(answer.status, answer.headers, b""), now)
    return SinkUnavailableError(f"{told}: {hint}.", target="url", retry_after=wait)
