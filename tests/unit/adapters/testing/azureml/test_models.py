import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.testing import credit_risk as data
from adapters.testing.azureml import ModelFailureError, automl, credit_risk, designer, mlflow, scoring_script
from adapters.testing.credit_risk import COLUMNS, LABELS

ROWS = [dict(zip(COLUMNS, row, strict=True)) for row in data.rows(200)]


def test_the_scorer_finds_both_classes_in_the_data():
    labels = [credit_risk(row).label for row in ROWS]
    assert 0.1 < labels.count("Risk") / len(labels) < 0.9


def test_longer_and_larger_loans_are_riskier():
    row = ROWS[0]
    riskier = row | {"LoanDuration": 60, "LoanAmount": 11000}
    safer = row | {"LoanDuration": 4, "LoanAmount": 250}
    assert credit_risk(riskier).probabilities[1] > credit_risk(safer).probabilities[1]


@given(st.sampled_from(ROWS), st.sets(st.sampled_from(COLUMNS), min_size=1))
def test_any_subset_of_the_columns_gives_a_distribution_and_its_likelier_label(row, columns):
    subset = {name: row[name] for name in columns}
    prediction = credit_risk(subset)
    no_risk, risk = prediction.probabilities
    assert no_risk + risk == pytest.approx(1.0)
    assert prediction.label == LABELS[risk >= 0.5]
    assert credit_risk(dict(reversed(subset.items())) | {"SomethingElse": 1}) == prediction
    assert credit_risk(subset | {name: None for name in COLUMNS if name not in columns}) == prediction


def test_all_forms_give_the_same_predictions():
    predictions = [credit_risk(row) for row in ROWS]
    labels = [prediction.label for prediction in predictions]
    vectors = [list(prediction.probabilities) for prediction in predictions]
    table = {"columns": list(COLUMNS), "data": [list(row.values()) for row in ROWS]}
    assert scoring_script({"input": ROWS}) == {
        "output": [
            {"Scored Labels": label, "Scored Probabilities": vector}
            for label, vector in zip(labels, vectors, strict=True)
        ]
    }
    assert automl({"Inputs": {"data": ROWS}, "GlobalParameters": 1.0}) == {"Results": labels}
    proba = {"Inputs": {"data": ROWS}, "GlobalParameters": {"method": "predict_proba"}}
    assert automl(proba) == {"Results": vectors}
    assert mlflow({"input_data": table}) == labels
    scored = [
        row | {"Scored Labels": label, "Scored Probabilities": vector[1]}
        for row, label, vector in zip(ROWS, labels, vectors, strict=True)
    ]
    body = {"Inputs": {"WebServiceInput0": ROWS}, "GlobalParameters": {}}
    assert designer(body) == {"Results": {"WebServiceOutput0": scored}}


@pytest.mark.parametrize(
    ("handler", "body"),
    [
        (scoring_script, {"rows": []}),
        (scoring_script, {"input": {"Age": [33]}}),
        (scoring_script, {"input": [{"Age": "33"}]}),
        (scoring_script, {"input": [{"Height": 180}]}),
        (automl, {"inputs": {"data": []}}),
        (mlflow, {"input_data": [[33]]}),
        (mlflow, {"input_data": {"columns": ["Age"], "data": [33]}}),
        (mlflow, {"input_data": {"columns": ["Age"], "data": 33}}),
        (mlflow, {"input_data": {"columns": ["Age"], "data": [[33, 1]]}}),
        (designer, {"Inputs": {"input1": []}}),
    ],
)
def test_what_the_model_can_not_read_is_refused(handler, body):
    with pytest.raises(ModelFailureError):
        handler(body)
