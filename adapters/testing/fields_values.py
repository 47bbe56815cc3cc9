"""A credit-risk model that speaks fields/values, as custom engines and Watson Machine Learning do."""

from collections.abc import Mapping

from adapters.testing.azureml.models import Json, ModelFailureError, credit_risk
from adapters.testing.credit_risk import LABELS


def scored_table(body: Json) -> Json:
    """Answer `{"fields", "values"}` with prediction and probabilities, in the order of `LABELS`.

    Raises:
        ModelFailureError: it is not such a table, or has no columns that the model knows.
    """
    fields = body.get("fields") if isinstance(body, Mapping) else None
    values = body.get("values") if isinstance(body, Mapping) else None
    if not isinstance(fields, list) or not isinstance(values, list):
        raise ModelFailureError("The input needs fields and values.")
    if not all(isinstance(row, list) and len(row) == len(fields) for row in values):
        raise ModelFailureError("A row of the input has to be a list, with a cell for each field.")
    predictions = [credit_risk(dict(zip(fields, row, strict=True))) for row in values]
    return {
        "fields": ["prediction", "probability"],
        "labels": list(LABELS),
        "values": [[prediction.label, list(prediction.probabilities)] for prediction in predictions],
    }
