"""Keys of discovered web services that were regenerated since the last discovery."""

import asyncio
import time
from collections.abc import Callable

from msgspec import Struct

from adapters.engines.azure_studio.arm import ControlPlane
from adapters.engines.azure_studio.native import Native

PAUSE_SECONDS = 10.0
"""How long nobody asks for the key of a service again, so that refused calls don't flood the control plane."""


class _Renewed(Struct, frozen=True):
    key: str
    instead_of: str | None


class Keys:
    """The keys to call with: as discovered, or as fetched after a refusal.

    Args:
        control: Azure Resource Manager; None where nothing is discovered.
        clock: monotonic, in seconds.
    """

    def __init__(self, control: ControlPlane | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._control = control
        self._clock = clock
        self._renewed: dict[str, _Renewed] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._asked_at: dict[str, float] = {}

    def key(self, native: Native) -> str | None:
        """Return the key of a service; None where there is none, or it could not be fetched."""
        renewed = self._renewed.get(native.arm_id or "")
        # Once discovery has found another key, that one counts.
        return renewed.key if renewed is not None and renewed.instead_of == native.key else native.key

    async def another(self, native: Native, refused: str | None, deadline: float) -> str | None:
        """Return a key other than the refused one; None where there is none.

        Raises:
            EngineError: it can't be fetched.
        """
        if self._control is None or native.arm_id is None:
            return None
        lock = self._locks.setdefault(native.arm_id, asyncio.Lock())
        try:
            async with asyncio.timeout_at(deadline), lock:
                return await self._fetched(self._control, native, native.arm_id, refused, deadline)
        except TimeoutError:
            return None

    async def _fetched(
        self, control: ControlPlane, native: Native, arm_id: str, refused: str | None, deadline: float
    ) -> str | None:
        current = self.key(native)
        if current != refused:
            # Another call has fetched it meanwhile.
            return current
        now = self._clock()
        if now < self._asked_at.get(arm_id, float("-inf")) + PAUSE_SECONDS:
            return None
        self._asked_at[arm_id] = now
        key = await control.key(arm_id, deadline)
        if key == refused:
            return None
        self._renewed[arm_id] = _Renewed(key, native.key)
        return key
