from adapters.testing.azureml import credit_risk
from adapters.testing.credit_risk import COLUMNS, NUMERIC_COLUMNS, numeric_cells, rows
from adapters.testing.open_inference import Tensor, credit_risk_columns, credit_risk_matrix

ROWS = rows(5, seed=3)


def test_a_tensor_for_each_column_scores_as_the_model():
    tensors = {name: Tensor(name, "", [5], [row[k] for row in ROWS]) for k, name in enumerate(COLUMNS)}
    label, probabilities = credit_risk_columns().predict(tensors)
    expected = [credit_risk(dict(zip(COLUMNS, row, strict=True))) for row in ROWS]
    assert list(label.data) == [prediction.label for prediction in expected]
    assert probabilities.rows == [list(prediction.probabilities) for prediction in expected]


def test_one_tensor_for_all_columns_scores_as_the_model():
    cells = [cell for row in ROWS for cell in numeric_cells(row)]
    tensor = Tensor("predict", "FP64", [5, len(NUMERIC_COLUMNS)], cells)
    label, _ = credit_risk_matrix().predict({"predict": tensor})
    assert list(label.data) == [
        credit_risk(dict(zip(NUMERIC_COLUMNS, numeric_cells(row), strict=True))).label for row in ROWS
    ]
