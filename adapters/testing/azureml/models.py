"""Models of the emulated endpoints: a credit-risk scorer, in each of the forms that Azure ML models speak.

Source of the forms: Azure Machine Learning documentation, "Deploy MLflow models to online endpoints", "Deploy an AutoML
model with an online endpoint" and "Use the studio to deploy models trained in the designer"; IBM Watson OpenScale
documentation, "Microsoft Azure ML Service frameworks", and the notebooks below `IBM Cloud/Azure` of
IBM/watson-openscale-samples, for the scoring script.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from adapters.testing.credit_risk import COLUMNS, LABELS

Json = object
Row = Mapping[str, Json]
Handler = Callable[[Json], Json]
"""From the parsed body of a request to the value of the answer; raises ModelFailureError."""

_CATEGORIES: dict[str, dict[str, float]] = {
    "CheckingStatus": {"no_checking": 1.1, "0_to_200": -0.3, "less_0": -0.6, "greater_200": 0.2},
    "CreditHistory": {"outstanding_credit": 0.9, "all_credits_paid_back": -0.7, "no_credits": -0.5},
    "LoanPurpose": {"car_new": -0.2, "education": 0.3, "business": 0.2, "other": 0.6},
    "ExistingSavings": {"less_100": -0.4, "500_to_1000": 0.4, "greater_1000": 0.7, "unknown": 0.8},
    "EmploymentDuration": {"unemployed": -0.5, "less_1": -0.4, "4_to_7": 0.2, "greater_7": 0.6},
    "Sex": {},
    "OthersOnLoan": {"co-applicant": 0.5, "guarantor": -0.2},
    "OwnsProperty": {"unknown": 0.6, "real_estate": -0.4},
    "InstallmentPlans": {"stores": -0.4, "bank": 0.1},
    "Housing": {"free": 0.4, "rent": -0.3},
    "Job": {"unemployed": -0.3, "management_self-employed": 0.3},
    "Telephone": {"yes": 0.2},
    "ForeignWorker": {"no": -0.8},
}
_NUMBERS: dict[str, tuple[float, float]] = {
    "LoanDuration": (21.4, 0.07),
    "LoanAmount": (3480.0, 0.00025),
    "InstallmentPercent": (3.0, 0.35),
    "CurrentResidenceDuration": (2.9, 0.2),
    "Age": (36.0, 0.03),
    "ExistingCreditsCount": (1.5, 0.3),
    "Dependents": (1.2, 0.3),
}
_BIAS = -1.2


class ModelFailureError(Exception):
    """What a model raises over a request; the message is the reason that Azure reports."""


class Prediction(Struct, frozen=True):
    """A label of `LABELS`, and the probability of each, in their order."""

    label: str
    probabilities: tuple[float, float]


def credit_risk(row: Row) -> Prediction:
    """Score one row by any of the 20 columns of the data set; null and further columns count nothing.

    Raises:
        ModelFailureError: none of the columns is there, or a number is not one.
    """
    if not any(column in row for column in COLUMNS):
        raise ModelFailureError("None of the model's columns is in the input.")
    logit = _BIAS
    for column, (mean, weight) in _NUMBERS.items():
        logit += weight * (_number(column, row[column]) - mean) if row.get(column) is not None else 0.0
    for column, weights in _CATEGORIES.items():
        logit += weights.get(str(row.get(column)), 0.0)
    risk = 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))
    return Prediction(LABELS[risk >= 0.5], (1.0 - risk, risk))  # noqa: PLR2004 - the middle


def scoring_script(body: Json) -> Json:
    """Answer as the scoring script of IBM's notebooks: `input` in, `output` out, rows as objects."""
    predictions = [credit_risk(row) for row in _records(_member(body, "input"))]
    return {
        "output": [
            {"Scored Labels": prediction.label, "Scored Probabilities": list(prediction.probabilities)}
            for prediction in predictions
        ]
    }


def automl(body: Json) -> Json:
    """Answer as an AutoML model: labels, or vectors of probabilities with `method: predict_proba`."""
    predictions = [credit_risk(row) for row in _records(_member(_member(body, "Inputs"), "data"))]
    parameters = body.get("GlobalParameters") if isinstance(body, Mapping) else None
    if isinstance(parameters, Mapping) and parameters.get("method") == "predict_proba":
        return {"Results": [list(prediction.probabilities) for prediction in predictions]}
    return {"Results": [prediction.label for prediction in predictions]}


def mlflow(body: Json) -> Json:
    """Answer as an MLflow model without a scoring script: a bare list of labels."""
    table = _member(body, "input_data")
    columns, data = _member(table, "columns"), _member(table, "data")
    if not isinstance(columns, Sequence) or not isinstance(data, Sequence):
        raise ModelFailureError("input_data needs lists of columns and data.")
    return [credit_risk(dict(zip(map(str, columns), _cells(row, len(columns)), strict=True))).label for row in data]


def designer(body: Json) -> Json:
    """Answer as a pipeline of the designer: the rows again, with the label and the probability of `Risk`."""
    rows = _records(_member(_member(body, "Inputs"), "WebServiceInput0"))
    predictions = [credit_risk(row) for row in rows]
    scored = [
        {**row, "Scored Labels": prediction.label, "Scored Probabilities": prediction.probabilities[1]}
        for row, prediction in zip(rows, predictions, strict=True)
    ]
    return {"Results": {"WebServiceOutput0": scored}}


def _member(value: Json, name: str) -> Json:
    if not isinstance(value, Mapping) or name not in value:
        raise ModelFailureError(f"The input needs {name}.")
    return value[name]


def _records(value: Json) -> list[Row]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ModelFailureError("The input needs a list of objects.")
    return value


def _cells(row: Json, width: int) -> list[Json]:
    if not isinstance(row, list) or len(row) != width:
        raise ModelFailureError("A row of the input has to be a list, with a cell for each column.")
    return row


def _number(column: str, value: Json) -> float:
    if not isinstance(value, int | float):
        raise ModelFailureError(f"{column} has to be a number.")
    return float(value)
