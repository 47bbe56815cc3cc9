"""A circuit breaker: calls to a deployment that does not answer are refused at once, for a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from schemas.errors import EngineError, EngineTimeoutError, EngineUnavailableError

FAILURES_TO_OPEN = 10
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0


class Circuit:
    """Opens after ten failed calls in a row; then one call in a growing interval tries again.

    A call counts once, however many attempts and parts it takes.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._pause = FIRST_PAUSE_SECONDS
        self._retry_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are being refused."""
        return self._failures >= FAILURES_TO_OPEN

    @contextmanager
    def call(self) -> Iterator[None]:
        """Let one call through, or refuse it; how the block ends is what the circuit learns.

        Raises:
            EngineUnavailableError: the circuit is open and it is not yet time to try again.
        """
        pause = self._pause
        trial_until = self._admit()
        try:
            yield
        except (EngineUnavailableError, EngineTimeoutError):
            self._failed()
            raise
        except EngineError:
            # Whatever the endpoint said, it is there.
            self._succeeded()
            raise
        except BaseException:
            # The call was ended, which says nothing about the endpoint: the next one may try in its place.
            if self.is_open and self._retry_at == trial_until:
                self._retry_at, self._pause = self._clock(), pause
            raise
        self._succeeded()

    def _admit(self) -> float | None:
        """Return until when others wait for this trial; None where the circuit is closed."""
        if not self.is_open:
            return None
        wait = self._retry_at - self._clock()
        if wait > 0:
            raise EngineUnavailableError(
                f"The endpoint took none of {self._failures} calls in a row: the next attempt is in {wait:.1f} s.",
                retry_after=wait,
            )
        self._defer()
        return self._retry_at

    def _succeeded(self) -> None:
        self._failures = 0
        self._pause = FIRST_PAUSE_SECONDS

    def _failed(self) -> None:
        self._failures += 1
        if self._failures == FAILURES_TO_OPEN:
            self._defer()

    def _defer(self) -> None:
        self._retry_at = self._clock() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
