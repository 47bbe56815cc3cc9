"""A bound, in bytes, on the bodies that a process holds."""

from schemas.errors import OverloadedError

SMALLEST_SHARE_BYTES = 1024


class InFlight:
    """Counts the bytes of the bodies in flight and refuses what goes beyond the bound."""

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self.bytes = 0

    def take(self, n_bytes: int) -> int:
        """Count a body, or a part of one; the result is to be given back.

        Raises:
            OverloadedError: there is no room now.
        """
        share = max(n_bytes, SMALLEST_SHARE_BYTES)
        if self.bytes + share > self._max:
            raise OverloadedError("Too much is in flight here. Try again in a moment.")
        self.bytes += share
        return share

    def give_back(self, share: int) -> None:
        """Forget bytes that `take` counted."""
        self.bytes -= share
