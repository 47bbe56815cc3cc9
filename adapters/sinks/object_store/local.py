"""A local folder, also one that is mounted."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from schemas.errors import SinkUnavailableError


class LocalStore:
    """A `Store`: files below a folder that has to exist, since an empty mount point looks like a missing one."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, body: bytes, content_type: str) -> None:
        """Write a file beside its place, sync it, and put it there: see `Store.put`."""
        target = self._root / name
        # The same for every cut of a batch: what a crash leaves behind, the repeat takes over.
        temporary = target.with_name(f".{target.name.partition('-')[0]}.tmp")
        with _errors():
            self._make_folder(target.parent)
            with temporary.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
            _sync(target.parent)

    def names(self, beginning: str) -> Sequence[str]:
        """Return the names of files: see `Store.names`."""
        folder, _, start = beginning.rpartition("/")
        with _errors():
            if not (self._root / folder).is_dir():
                return ()
            with os.scandir(self._root / folder) as entries:
                return [f"{folder}/{entry.name}" for entry in entries if entry.name.startswith(start)]

    def all_names(self, beginning: str) -> Iterator[str]:
        """Yield the names of files: see `Store.all_names`."""
        with _errors():
            if not self._root.is_dir():
                raise FileNotFoundError
        yield from self.names(beginning)

    def get(self, name: str) -> bytes | None:
        """Read a file: see `Store.get`."""
        with _errors(), suppress(FileNotFoundError):
            return (self._root / name).read_bytes()
        return None

    def close(self) -> None:
        """Nothing is open."""

    def _make_folder(self, folder: Path) -> None:
        if folder == self._root or folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise SinkUnavailableError("The folder does not exist: make it, or mount it.", target="url") from error
    except OSError as error:
        problem = os.strerror(error.errno) if error.errno else type(error).__name__
        raise SinkUnavailableError(f"The folder can't be written or read ({problem}).", target="url") from error
