"""How much room there is for records, from figures that were measured a moment ago: asking costs no I/O."""

from schemas.errors import SpoolFullError, SpoolUnavailableError

# SQLite needs room of its own to move cursors and to delete records.
MIN_DISK_FREE_BYTES = 16_000_000


class Room:
    """Counts the bytes of one writer between two measurements; lives on one thread.

    Args:
        max_bytes: of the spool.
        max_queue_bytes: of records taken and not yet written.
    """

    def __init__(self, *, max_bytes: int, max_queue_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._max_queue_bytes = max_queue_bytes
        self._used = 0
        self._disk_free = 0
        self._since = 0
        self._queued = 0
        self.problem: str | None = None

    @property
    def fill(self) -> float:
        """How full the spool is, of its largest size."""
        return (self._used + self._since + self._queued) / self._max_bytes

    def check(self, n_bytes: int) -> None:
        """Refuse a record that could not be kept.

        Raises:
            SpoolFullError: the spool has reached its size.
            SpoolUnavailableError: writing fails, the disk is nearly full, or too much is queued.
        """
        if self.problem is not None:
            raise SpoolUnavailableError(self.problem)
        self._check_queue(n_bytes)
        coming = self._since + self._queued + n_bytes
        if self._used + coming > self._max_bytes:
            raise SpoolFullError(
                f"The spool is full: its records fill the {self._max_bytes / 1e9:g} GB of `payload_log.max_gb`. "
                "Bring its sinks back, or raise the limit."
            )
        if coming + MIN_DISK_FREE_BYTES > self._disk_free:
            raise SpoolUnavailableError("The disk of the spool is nearly full: free some room there.")

    def take(self, n_bytes: int) -> None:
        """Count a record into the queue.

        Raises:
            SpoolUnavailableError: too much is queued.
        """
        self._check_queue(n_bytes)
        self._queued += n_bytes

    def written(self, n_bytes: int) -> None:
        """Count records from the queue into the spool: writing works."""
        self._queued -= n_bytes
        self._since += n_bytes
        self.problem = None

    def given_up(self, n_bytes: int) -> None:
        """Take records off the queue that were not written."""
        self._queued -= n_bytes

    def failing(self, problem: str) -> None:
        """Refuse everything until a measurement says that writing works again."""
        self.problem = problem

    def measured(self, used_bytes: int, disk_free_bytes: int) -> None:
        """Take new figures, from a moment when writing works."""
        self._used = used_bytes
        self._disk_free = disk_free_bytes
        self._since = 0
        self.problem = None

    def _check_queue(self, n_bytes: int) -> None:
        if self._queued and self._queued + n_bytes > self._max_queue_bytes:
            raise SpoolUnavailableError("The payload log can't write as fast as records come: too much is waiting.")
