"""Labels as others spell them: in other letters' case, or with other separators."""

from collections.abc import Sequence

from gateway.mapping.labels import Labels
from schemas.table import Cell


class SpelledLabels:
    """Finds labels by their letters and digits alone, where no other label has the same.

    Never for a value of an answer, which has to be a label itself: for what describes it.

    Args:
        labels: scalars in class order.
    """

    def __init__(self, labels: Sequence[Cell]) -> None:
        self._labels = Labels(labels)
        words = [_folded(str(label)) if isinstance(label, str | bool) else "" for label in labels]
        # A number is more than its digits: -1 is not 1.
        self._words = {
            word: k for k, word in enumerate(words) if words.count(word) == 1 and any(map(str.isalpha, word))
        }

    def position(self, value: Cell) -> int | None:
        """Return which label a value is, from 0; None where it is none."""
        position = self._labels.position(value)
        if position is None and isinstance(value, str):
            return self._words.get(_folded(value))
        return position


def _folded(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
