"""A circuit breaker: calls to a deployment that does not answer are refused at once, for a while."""

from collections.abc import Callable

from schemas.errors import EngineUnavailableError

FAILURES_TO_OPEN = 10
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0


class Circuit:
    """Opens after ten failures in a row; then one call in a growing interval tries again.

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

    def check(self) -> None:
        """Let one call through, or refuse it.

        Raises:
            EngineUnavailableError: the circuit is open and it is not yet time to try again.
        """
        if not self.is_open:
            return
        wait = self._retry_at - self._clock()
        if wait > 0:
            raise EngineUnavailableError(
                f"The endpoint has not answered {self._failures} calls in a row; the next attempt is in {wait:.1f} s.",
                retry_after=wait,
            )
        self._defer()

    def succeeded(self) -> None:
        """The endpoint answered: whatever it said, it is there."""
        self._failures = 0
        self._pause = FIRST_PAUSE_SECONDS

    def failed(self) -> None:
        """The endpoint could not be reached, or did not answer in time."""
        self._failures += 1
        if self._failures == FAILURES_TO_OPEN:
            self._defer()

    def _defer(self) -> None:
        self._retry_at = self._clock() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
