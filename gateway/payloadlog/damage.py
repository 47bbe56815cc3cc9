"""Damage that is met while the gateway serves.

Whoever meets it, in whatever process, leaves a marker beside the spool (`database.mark_suspect`). All who use the file
must leave it before it can be recovered, so those who run them watch for the marker.
"""

import asyncio
from pathlib import Path

from gateway.payloadlog.database import suspect_marker

LOOK_SECONDS = 0.5


class DamageWatch:
    """Knows whether somebody has met damage since the spool was opened.

    Args:
        path: of the spool.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._met = False

    @property
    def problem(self) -> str | None:
        """What keeps the gateway from taking calls; None while nobody has met damage, or `met` is not awaited."""
        if not self._met:
            return None
        return f"The spool {self._path} is damaged: the gateway is about to recover what can be read of it."

    async def met(self) -> None:
        """Return as soon as somebody has met damage."""
        while not self._met:
            if await asyncio.to_thread(self._is_marked):
                self._met = True
            else:
                await asyncio.sleep(LOOK_SECONDS)

    def _is_marked(self) -> bool:
        try:
            return suspect_marker(self._path).exists()
        except OSError:
            # Whoever reads or writes the spool says what is wrong with its folder.
            return False
