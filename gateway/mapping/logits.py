"""Raw scores of a network as probabilities."""

import math
from collections.abc import Sequence

_LIMIT = 1e300
"""Beyond it differences between scores overflow, and mean nothing."""


def logistic(logit: float) -> float:
    """Return the probability that a single score stands for."""
    return 1.0 / (1.0 + math.exp(-min(max(logit, -700.0), 700.0)))


def softmax(logits: Sequence[float | None]) -> list[float | None]:
    """Return one probability for each score, their sum 1; all None where a score is missing."""
    known = [min(max(logit, -_LIMIT), _LIMIT) for logit in logits if logit is not None]
    if len(known) < len(logits) or not known:
        return [None] * len(logits)
    highest = max(known)
    powers = [math.exp(max(logit - highest, -700.0)) for logit in known]
    total = math.fsum(powers)
    return [power / total for power in powers]
