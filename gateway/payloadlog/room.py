"""How much room there is for records, from figures that were measured a moment ago: asking costs no I/O."""

from schemas.errors import SpoolFullError, SpoolUnavailableError

# SQLite needs room of its own to move cursors and to delete records.
MIN_DISK_FREE_BYTES = 16_000_000
# Retention holds a spool whose sinks keep up well below this share of its size: what is beyond, they are owed.
NEARLY_FULL = 0.95


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
        self._reserved = 0
        self.problem: str | None = None

    @property
    def fill(self) -> float:
        """How full the spool is, of its largest size."""
        return (self._used + self._since + self._queued) / self._max_bytes

    @property
    def warning(self) -> str | None:
        """What will keep records from being kept soon; None where there is room."""
        if self.fill >= NEARLY_FULL:
            return (
                f"The spool is {min(self.fill, 1.0):.0%} full: its sinks are owed more than retention may delete. "
                "Bring its sinks back, or raise `payload_log.max_gb`."
            )
        left = self._disk_free - MIN_DISK_FREE_BYTES - self._since - self._queued
        if left < (1 - NEARLY_FULL) * self._max_bytes:
            return f"The disk of the spool has room for {max(left, 0) / 1e6:.0f} MB of records: free some there."
        return None

    def reserve(self, n_bytes: int) -> None:
        """Keep room for a record that is to come, until `release`.

        Raises:
            SpoolFullError: the spool has reached its size, or will with what is reserved.
            SpoolUnavailableError: as `check`.
        """
        self.check(n_bytes)
        self._reserved += n_bytes

    def release(self, n_bytes: int) -> None:
        """Give back what was reserved."""
        self._reserved -= n_bytes

    def check(self, n_bytes: int) -> None:
        """Refuse a record that could not be kept beside those that room is reserved for.

        Raises:
            SpoolFullError: the spool has reached its size.
            SpoolUnavailableError: writing fails, the disk is nearly full, or too much is queued.
        """
        if self.problem is not None:
            raise SpoolUnavailableError(self.problem)
        self._check_queue(n_bytes)
        coming = self._coming + n_bytes
        if self._used + coming > self._max_bytes:
            raise SpoolFullError(
                f"The spool is full: its records, with those of calls under way, fill the {self._max_bytes / 1e9:g} GB "
                "of `payload_log.max_gb`. Bring its sinks back, or raise the limit."
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

    @property
    def _coming(self) -> int:
        """What the last measurement does not show."""
        return self._since + self._queued + self._reserved

    def _check_queue(self, n_bytes: int) -> None:
        if self._queued and self._queued + n_bytes > self._max_queue_bytes:
            raise SpoolUnavailableError("The payload log can't write as fast as records come: too much is waiting.")
