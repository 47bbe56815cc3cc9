import csv
from pathlib import Path

from adapters.testing import credit_risk
from adapters.testing.credit_risk import CATEGORICAL_COLUMNS, COLUMNS, LABELS, NUMERIC_COLUMNS, TARGET


def test_the_same_seed_gives_the_same_rows_whatever_their_number() -> None:
    assert credit_risk.rows(50, seed=7) == credit_risk.rows(200, seed=7)[:50]
    assert credit_risk.rows(50, seed=7) != credit_risk.rows(50, seed=8)


def test_numbers_are_whole_and_categories_are_text() -> None:
    for row in credit_risk.rows(500):
        cells = dict(zip(COLUMNS, row, strict=True))
        assert {type(cells[name]) for name in NUMERIC_COLUMNS} == {int}
        assert {type(cells[name]) for name in CATEGORICAL_COLUMNS} == {str}


def test_seven_columns_are_numeric_and_thirteen_categorical() -> None:
    assert (len(NUMERIC_COLUMNS), len(CATEGORICAL_COLUMNS)) == (7, 13)
    assert set(NUMERIC_COLUMNS) | set(CATEGORICAL_COLUMNS) == set(COLUMNS)


def test_rows_are_the_labelled_rows_without_their_label() -> None:
    labelled = credit_risk.labelled_rows(20, seed=3)
    assert [row[:-1] for row in labelled] == credit_risk.rows(20, seed=3)
    assert {row[-1] for row in labelled} == set(LABELS)


def test_longer_and_larger_loans_are_riskier() -> None:
    labelled = [dict(zip((*COLUMNS, TARGET), row, strict=True)) for row in credit_risk.labelled_rows(4000)]
    long_loans = [row for row in labelled if int(row["LoanDuration"]) > 40]
    short_loans = [row for row in labelled if int(row["LoanDuration"]) < 15]
    assert _share_of_risk(long_loans) > _share_of_risk(short_loans) + 0.1
    assert 0.2 < _share_of_risk(labelled) < 0.5


def test_numeric_cells_come_in_the_order_of_the_numeric_columns() -> None:
    row = credit_risk.rows(1)[0]
    cells = dict(zip(COLUMNS, row, strict=True))
    assert credit_risk.numeric_cells(row) == [cells[name] for name in NUMERIC_COLUMNS]


def test_the_file_holds_a_header_and_the_labelled_rows(tmp_path: Path) -> None:
    credit_risk.write_csv(tmp_path / "rows.csv", 25, seed=5)
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == [*COLUMNS, TARGET]
    assert rows == [[str(cell) for cell in row] for row in credit_risk.labelled_rows(25, seed=5)]


def _share_of_risk(rows: list[dict[str, str | int]]) -> float:
    return sum(row[TARGET] == "Risk" for row in rows) / len(rows)
