import pytest
from msgspec import json

from gateway.cli.scored_rows import SHOWN_ROWS, ScoredJson, ScoredTable, shown
from schemas.scoring import ScoringResponse


def test_json_of_all_batches_is_one_answer(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    output = ScoredJson()
    for values in ([["x", 1]], [], [["y", 2**63], ["z", None]]):
        output.add(ScoringResponse(["prediction", "n"], values, labels=["x", "y"]))
    output.end()
    assert json.decode(capsysbinary.readouterr().out) == {
        "fields": ["prediction", "n"],
        "labels": ["x", "y"],
        "values": [["x", 1], ["y", 2**63], ["z", None]],
    }


def test_json_of_no_rows_has_columns_all_the_same(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    output = ScoredJson()
    output.add(ScoringResponse(["prediction"], []))
    output.end()
    assert capsysbinary.readouterr().out == b'{"fields":["prediction"],"values":[]}\n'


def test_table_shows_the_first_rows_and_counts_all(capsys: pytest.CaptureFixture[str]) -> None:
    output = ScoredTable()
    for start in range(0, 120, 40):
        output.add(ScoringResponse(["prediction"], [[f"row{n}"] for n in range(start, start + 40)]))
    output.end()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:2]] == [["row", "prediction"], ["1", "row0"]]
    assert len(lines) == SHOWN_ROWS + 2
    assert lines[-1] == "120 rows scored, the first 50 are shown; --json prints all."


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        ("No Risk", "No Risk"),
        (0.123456789, "0.123457"),
        ([0.25, 0.75], "[0.25, 0.75]"),
        (["a", None], "[a, ]"),
        (True, "true"),
        (2**63, "9223372036854775808"),
        ({"a": 1}, '{"a":1}'),
    ],
)
def test_cells_are_shown_as_a_person_reads_them(cell: object, text: str) -> None:
    assert shown(cell) == text
