"""Models to put behind emulated endpoints."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct

Handler = Callable[[bytes, str, str | None], tuple[bytes, str]]
"""`handler(body, content_type, accept)` returns `(body, content_type)`, or raises `ModelFailureError`."""


class ModelFailureError(Exception):
    """The container answers with an error: SageMaker makes a ModelError of it; status 0: it did not answer in time."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class LinearLearner(Struct, frozen=True, kw_only=True):
    """The built-in linear learner, as far as its answers go.

    Takes text/csv and application/json; answers application/json and application/jsonlines. Source: "Linear learner
    response formats" and "Common data formats for inference", developer guide.

    Attributes:
        weights: one per feature.
        bias: added to their sum.
        predictor: a binary classifier answers `score` (the probability of label 1) and `predicted_label`, a regressor
            only `score`.
        threshold: from which score the label is 1.
    """

    weights: tuple[float, ...]
    bias: float = 0.0
    predictor: Literal["binary_classifier", "regressor"] = "binary_classifier"
    threshold: float = 0.5

    def __call__(self, body: bytes, content_type: str, accept: str | None) -> tuple[bytes, str]:
        """Score the rows of a request."""
        predictions = [self._prediction(row) for row in _rows(body, content_type)]
        match accept:
            case None | "*/*" | "application/json":
                return json.dumps({"predictions": predictions}).encode(), "application/json"
            case "application/jsonlines":
                lines = "".join(f"{json.dumps(prediction)}\n" for prediction in predictions)
                return lines.encode(), "application/jsonlines"
        raise ModelFailureError(406, f"Accept type {accept} is not supported.")

    def _prediction(self, row: Sequence[float]) -> dict[str, float]:
        if len(row) != len(self.weights):
            raise ModelFailureError(400, f"Expected {len(self.weights)} features, got {len(row)}.")
        total = self.bias + sum(weight * cell for weight, cell in zip(self.weights, row, strict=True))
        if self.predictor == "regressor":
            return {"score": total}
        score = 1 / (1 + math.exp(-total)) if total > 0 else math.exp(total) / (1 + math.exp(total))
        return {"score": score, "predicted_label": int(score >= self.threshold)}


def _rows(body: bytes, content_type: str) -> list[list[float]]:
    try:
        match content_type:
            case "text/csv":
                return [[float(cell) for cell in line.split(",")] for line in body.decode().splitlines()]
            case "application/json":
                return [[float(cell) for cell in _features(item)] for item in json.loads(body)["instances"]]
    except (ValueError, TypeError, KeyError):
        raise ModelFailureError(400, "Unable to evaluate payload provided.") from None
    raise ModelFailureError(415, f"Content type {content_type} is not supported.")


def _features(instance: dict[str, Any]) -> Sequence[Any]:
    features: Sequence[Any] = instance["data"]["features"]["values"] if "data" in instance else instance["features"]
    return features
