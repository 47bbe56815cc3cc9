"""Models of the emulated server: the credit-risk scorer, with a tensor a column, and with one for all columns."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from adapters.testing.azureml.models import Prediction, credit_risk
from adapters.testing.credit_risk import COLUMNS, NUMERIC_COLUMNS
from adapters.testing.open_inference.tensors import Tensor, TensorType

_OUTPUTS = (TensorType("label", "BYTES", (-1,)), TensorType("probabilities", "FP64", (-1, 2)))

Predict = Callable[[Mapping[str, Tensor]], Sequence[Tensor]]


class EmulatedModel(Struct, frozen=True, kw_only=True):
    """A model.

    Attributes:
        predict: from the checked inputs by name to the outputs.
        inputs: as metadata shows them; `outputs` likewise.
        versions: of which the last one answers where a call names none.
        state: in the repository index.
        platform: in the metadata.
        has_metadata: whether the server answers for its metadata.
    """

    predict: Predict
    inputs: Sequence[TensorType]
    outputs: Sequence[TensorType]
    versions: Sequence[str] = ("1",)
    state: str = "READY"
    platform: str = "emulated"
    has_metadata: bool = True


def credit_risk_columns() -> EmulatedModel:
    """Return a model with one tensor for each of the 20 columns: numbers as [n, 1], texts as [n]."""
    inputs = [
        TensorType(name, "INT64", (-1, 1)) if name in NUMERIC_COLUMNS else TensorType(name, "BYTES", (-1,))
        for name in COLUMNS
    ]

    def predict(tensors: Mapping[str, Tensor]) -> list[Tensor]:
        rows = zip(*(tensors[name].data for name in COLUMNS), strict=True)
        return _outputs([credit_risk(dict(zip(COLUMNS, row, strict=True))) for row in rows])

    return EmulatedModel(predict=predict, inputs=inputs, outputs=_OUTPUTS)


def credit_risk_matrix() -> EmulatedModel:
    """Return a model with one tensor [n, 7] for the numeric columns."""
    inputs = [TensorType("predict", "FP64", (-1, len(NUMERIC_COLUMNS)))]

    def predict(tensors: Mapping[str, Tensor]) -> list[Tensor]:
        rows = tensors["predict"].rows
        return _outputs([credit_risk(dict(zip(NUMERIC_COLUMNS, row, strict=True))) for row in rows])

    return EmulatedModel(predict=predict, inputs=inputs, outputs=_OUTPUTS)


def _outputs(predictions: Sequence[Prediction]) -> list[Tensor]:
    n_rows = len(predictions)
    vectors = [probability for prediction in predictions for probability in prediction.probabilities]
    return [
        Tensor("label", "BYTES", [n_rows], [prediction.label for prediction in predictions]),
        Tensor("probabilities", "FP64", [n_rows, 2], vectors),
    ]
