import pytest

from adapters.testing.azureml import ModelFailureError, credit_risk
from adapters.testing.fields_values import scored_table


def test_each_row_is_answered_with_its_label_and_probabilities():
    answer = scored_table({"fields": ["Age", "Job"], "values": [[33, "skilled"], [70, None]]})
    rows = [credit_risk({"Age": 33, "Job": "skilled"}), credit_risk({"Age": 70, "Job": None})]
    assert answer == {
        "fields": ["prediction", "probability"],
        "labels": ["No Risk", "Risk"],
        "values": [[row.label, list(row.probabilities)] for row in rows],
    }


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"fields": ["Age"]},
        {"fields": "Age", "values": []},
        {"fields": ["Age"], "values": [33]},
        {"fields": ["Age"], "values": [[33, 34]]},
        {"fields": ["Unknown"], "values": [[1]]},
        {"fields": ["Age"], "values": [["old"]]},
    ],
)
def test_what_is_no_table_of_the_models_columns_fails(body):
    with pytest.raises(ModelFailureError):
        scored_table(body)
