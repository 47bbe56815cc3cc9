"""The classes of a deployment, and predictions as one of them."""

from collections.abc import Sequence

from gateway.mapping.numbers import number_in
from schemas.errors import EngineReplyError
from schemas.table import Cell

_TRUTHS = {"true": True, "false": False}


class Labels:
    """Labels in class order.

    The type of a prediction has to be that of the labels that OpenScale knows, but the same family of models answers
    `0`, `0.0` or `"0"`; so a prediction is cast to the label that it equals as a number.

    Args:
        labels: scalars, no two equal.
    """

    def __init__(self, labels: Sequence[Cell]) -> None:
        self.all = list(labels)
        # As keys, 0, 0.0 and False are one and the same.
        self._positions: dict[Cell, int] = {label: k for k, label in enumerate(self.all)}
        for k, label in enumerate(self.all):
            for other in spellings(label):
                self._positions.setdefault(other, k)

    def __len__(self) -> int:
        return len(self.all)

    def position(self, value: Cell) -> int | None:
        """Return which label a value is, from 0; None where it is none."""
        try:
            found = self._positions.get(value)
        except TypeError:
            return None
        if found is None and isinstance(value, str):
            number = number_in(value)
            found = None if number is None else self._positions.get(number)
        return found

    def labelled(self, value: Cell, n: int) -> Cell:
        """Return the label that a prediction is; null stays null.

        Raises:
            EngineReplyError: it is none of the labels.
        """
        if value is None:
            return None
        position = self.position(value)
        if position is None:
            raise EngineReplyError(
                f"Row {n}: the prediction is none of the {len(self.all)} configured `output.labels`.",
                target=f"values[{n}]",
            )
        return self.all[position]

    def indexed(self, value: Cell, n: int) -> Cell:
        """Return the label that a prediction counts to, from 0; null stays null.

        Raises:
            EngineReplyError: it is no whole number, or there are not so many labels.
        """
        if value is None:
            return None
        index = number_in(value)
        if index is None or index != int(index) or not 0 <= index < len(self.all):
            raise EngineReplyError(
                f"Row {n}: the prediction is no index into the {len(self.all)} configured `output.labels`.",
                target=f"values[{n}]",
            )
        return self.all[int(index)]


def spellings(label: Cell) -> list[Cell]:
    """Return what else a platform may write for a label."""
    if isinstance(label, bool):
        return ["true", "True"] if label else ["false", "False"]
    if isinstance(label, str):
        return [other for other in (number_in(label), _TRUTHS.get(label.lower())) if other is not None]
    return []
