"""Answers whose prediction and probabilities can't both be right: never refused, but counted."""

from gateway.mapping.cells import PREDICTION, PROBABILITY
from gateway.mapping.labels import Labels
from gateway.mapping.probabilities import decided, positive_position
from schemas.configuration import OutputSettings
from schemas.scoring import ScoringResponse
from schemas.table import Cell

# A hundredth beside 1, as rounding leaves it (0.33, 0.33, 0.33), and what floats leave beside that.
_LEAST, _MOST = 0.99 - 1e-6, 1.01 + 1e-6


class Contradictions:
    """Counts rows whose probabilities are none, or say another label than the predicted one.

    Args:
        settings: `output` of the deployment.
        labels: its labels.
    """

    def __init__(self, settings: OutputSettings, labels: Labels) -> None:
        self._labels = labels
        self._threshold = settings.threshold
        self._positive = positive_position(settings, labels)
        self._has_probability = settings.probability is not None

    def count(self, response: ScoringResponse) -> int:
        """See `Mapping.contradictions`."""
        fields = response.fields
        if not self._has_probability or PROBABILITY not in fields:
            return 0
        probability = fields.index(PROBABILITY)
        prediction = fields.index(PREDICTION) if PREDICTION in fields else None
        return sum(
            self._is_one(None if prediction is None else row[prediction], row[probability]) for row in response.values
        )

    def _is_one(self, prediction: Cell, vector: Cell) -> bool:
        if type(vector) is not list or None in vector:
            return False
        if not _LEAST <= sum(vector) <= _MOST:
            return True
        position = self._labels.position(prediction)
        if position is None:
            return False
        if self._threshold is None:
            return bool(vector[position] < max(vector))
        return position != decided(vector, self._positive, self._threshold)
