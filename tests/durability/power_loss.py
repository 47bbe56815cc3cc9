"""A disk that loses power: a storage layer below SQLite that forgets what was not synced.

Writes stay in memory until `xSync` brings them to the file. When the power goes, everything after the last sync of a
file is gone, or, with `torn`, a random part of its sectors has arrived all the same, in any order. From then on each
access fails, as the process would have ended.
"""

import random
from typing import Any

import apsw

SECTOR_BYTES = 512


class PowerLostError(apsw.IOError):
    """The machine is off."""


class LossyDisk(apsw.VFS):
    """The default storage layer of new connections, until `unregister`.

    Args:
        survives: how many writes, truncations and syncs come to their end.
        torn: None: nothing that was not synced survives; else chooses what does.
    """

    def __init__(self, *, survives: int, torn: random.Random | None) -> None:
        self.operations = 0
        self.syncs = 0
        self._survives = survives
        self._torn = torn
        self._files: list[_LossyFile] = []
        self.below = apsw.vfs_names()[0]
        super().__init__("lossy", self.below, makedefault=True)

    @property
    def off(self) -> bool:
        """Whether the power is gone."""
        return self.operations > self._survives

    def xOpen(self, name: Any, flags: list[int]) -> "_LossyFile":  # noqa: N802 - SQLite's name
        """Open a file."""
        self.check()
        file = _LossyFile(self, name, flags)
        self._files.append(file)
        return file

    def check(self) -> None:
        """Fail where the power is gone."""
        if self.off:
            raise PowerLostError

    def count(self) -> None:
        """Count one more change, which may be the one that meets the end."""
        self.check()
        self.operations += 1
        if self.off:
            for file in self._files:
                file.lose_power(self._torn)
            raise PowerLostError


class _LossyFile(apsw.VFSFile):
    def __init__(self, disk: LossyDisk, name: Any, flags: list[int]) -> None:
        super().__init__(disk.below, name, flags)
        self._disk = disk
        self._content = bytearray(super().xRead(super().xFileSize(), 0))
        self._unsynced: set[int] = set()
        self._truncated = False

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        self._disk.check()
        return bytes(self._content[offset : offset + amount])

    def xFileSize(self) -> int:  # noqa: N802
        self._disk.check()
        return len(self._content)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._content.extend(bytes(max(offset - len(self._content), 0)))
        self._content[offset : offset + len(data)] = data
        self._unsynced.update(range(offset // SECTOR_BYTES, (offset + len(data) - 1) // SECTOR_BYTES + 1))
        self._disk.count()

    def xTruncate(self, size: int) -> None:  # noqa: N802
        del self._content[size:]
        self._truncated = True
        self._disk.count()

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.count()
        self._disk.syncs += 1
        self._bring(self._unsynced)
        if self._truncated:
            super().xTruncate(len(self._content))
        super().xSync(flags)
        self._unsynced.clear()
        self._truncated = False

    def lose_power(self, torn: random.Random | None) -> None:
        """Keep what was synced, and perhaps some sectors more."""
        if torn is not None:
            share = torn.random()
            self._bring({sector for sector in self._unsynced if torn.random() < share})

    def _bring(self, sectors: set[int]) -> None:
        for sector in sorted(sectors):
            start = sector * SECTOR_BYTES
            data = bytes(self._content[start : start + SECTOR_BYTES])
            if data:
                super().xWrite(data, start)
