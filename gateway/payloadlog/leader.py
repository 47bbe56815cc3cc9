"""Which of several processes leads: ships, retains and checkpoints."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from schemas.errors import PayloadLogError


class LeaderLock:
    """A lock on `<path>.leader` that the kernel releases when its holder dies, however it dies.

    Args:
        path: the spool.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(f"{path}.leader")
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this process leads through this object."""
        return self._descriptor is not None

    def try_acquire(self) -> bool:
        """Take the lock if nobody has it, without waiting; True where it is held now.

        Raises:
            PayloadLogError: the lock file can't be made.
        """
        if self._descriptor is not None:
            return True
        try:
            descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise PayloadLogError(
                f"The leader's lock {self._path} can't be made ({error.strerror}): check its folder."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let another process lead. The file stays: removing it would let two lead at once."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
