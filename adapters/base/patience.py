"""How long a discovery waits for what it can't be told now."""

from collections import Counter

from schemas.errors import EngineError, EngineTimeoutError, EngineUnavailableError

MAX_MISSED = 2
"""How often what can't be told now delays a whole discovery, before the rest is listed without it."""
_FAILED = 500


class Patience:
    """Counts what could not be told, by name; for one engine, as long as it is connected.

    What a discovery returns takes the place of what an earlier process found. Whatever this process was not told yet
    would be lost with that, and an endpoint that works would vanish or change. So the discovery fails, and the
    directory stays as it was: but a few times only, lest one endpoint at fault hides all others.
    """

    def __init__(self) -> None:
        self._missed: Counter[str] = Counter()

    def lasts(self, name: str, error: EngineError) -> bool:
        """Note that something can't be told, and return whether the discovery is to fail for it.

        Args:
            name: of what is missing, and of which nothing is known in this process.
            error: why; a refusal will stay one, so nobody waits for it.
        """
        if not may_pass(error):
            return False
        self._missed[name] += 1
        return self._missed[name] <= MAX_MISSED


def may_pass(error: EngineError) -> bool:
    """Whether the same question may be answered soon: nobody answered, or throttled, or failed at it."""
    if isinstance(error, EngineUnavailableError | EngineTimeoutError):
        return True
    return error.engine_status is not None and error.engine_status >= _FAILED
