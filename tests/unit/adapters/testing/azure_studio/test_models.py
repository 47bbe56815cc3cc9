import pytest

from adapters.testing.azure_studio import BadArgumentError, credit_risk_binary, credit_risk_multiclass
from adapters.testing.azureml import credit_risk
from adapters.testing.credit_risk import COLUMNS, NUMERIC_COLUMNS, numeric_cells, rows

ROW = rows(1, seed=2)[0]
TEXTS = {name: str(cell) for name, cell in zip(COLUMNS, ROW, strict=True)}
EXPECTED = credit_risk(dict(zip(COLUMNS, ROW, strict=True)))


def test_a_two_class_model_echoes_its_inputs_and_adds_label_and_probability_as_text():
    scored = credit_risk_binary().score([TEXTS | {"Risk": "NA"}])
    answer = dict(zip(scored.columns, scored.rows[0], strict=True))
    assert answer["LoanPurpose"] == TEXTS["LoanPurpose"]
    assert answer["Scored Labels"] == EXPECTED.label
    assert float(answer["Scored Probabilities"]) == pytest.approx(EXPECTED.probabilities[1])
    assert len(scored.types) == len(scored.columns) == 23


def test_a_multiclass_model_has_a_column_for_each_class():
    names = dict(zip(NUMERIC_COLUMNS, map(str, numeric_cells(ROW)), strict=True))
    scored = credit_risk_multiclass().score([names])
    assert scored.columns == (
        'Scored Probabilities for Class "No Risk"',
        'Scored Probabilities for Class "Risk"',
        "Scored Labels",
    )
    assert sum(float(cell) for cell in scored.rows[0][:2]) == pytest.approx(1.0)


def test_a_number_that_is_none_is_a_bad_argument():
    with pytest.raises(BadArgumentError, match="Age"):
        credit_risk_binary().score([TEXTS | {"Risk": "NA", "Age": "old"}])
