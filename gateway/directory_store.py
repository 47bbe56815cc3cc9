"""What discovery found, on disk: a restart, and the serving processes beside the leader, read it from here."""

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from schemas.deployment import Endpoint

log = structlog.get_logger(__name__)


class KnownEndpoints(Struct, frozen=True, kw_only=True):
    """The endpoints of one engine.

    Attributes:
        refreshed_at: seconds of the Unix epoch.
        seal: of the settings that they were discovered with (`gateway.settings_seal`).
        endpoints: all of them.
    """

    refreshed_at: float
    seal: str
    endpoints: tuple[Endpoint, ...]


class DirectoryStore:
    """One JSON file, replaced as a whole, readable by its owner alone: endpoints may hold keys.

    Beside it, for as long as somebody waits for a discovery, a file with the names of the engines.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wanted = path.with_name(f"{path.name}.wanted")

    def read(self) -> dict[str, KnownEndpoints]:
        """Return what is known by engine; nothing where the file is missing or was written by another release."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, KnownEndpoints])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("persisted directory not used", path=str(self._path), problem=type(error).__name__)
            return {}

    def write(self, known: Mapping[str, KnownEndpoints]) -> None:
        """Replace the file, durably. A failure is logged: discovery serves on from memory."""
        try:
            self._replace(msgspec.json.encode(dict(known)))
        except OSError as error:
            log.warning("directory not persisted", path=str(self._path), problem=error.strerror)

    def version(self) -> int:
        """Return a number that changes when the file does; 0 without a file."""
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return 0

    def want(self, engines: Iterable[str]) -> None:
        """Ask the leader for a discovery of these engines. A failure is logged: each is discovered in time anyway."""
        try:
            with self._wanted.open("a", encoding="utf-8") as file:
                file.write("".join(f"{engine}\n" for engine in engines))
        except OSError as error:
            log.warning("discovery not asked for", path=str(self._wanted), problem=error.strerror)

    def take_wanted(self) -> set[str]:
        """Return the engines that have been asked for since the last time."""
        taken = self._path.with_name(f"{self._path.name}.taken")
        try:
            self._wanted.replace(taken)
            engines = set(taken.read_text("utf-8").splitlines())
            taken.unlink()
        except (OSError, UnicodeDecodeError):
            return set()
        return engines

    def _replace(self, content: bytes) -> None:
        descriptor, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
