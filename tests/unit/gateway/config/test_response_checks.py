"""`output` names a column that no answer can have."""

from collections.abc import Callable

import pytest

Problems = Callable[..., list[str]]

EACH = "probability: [p, q], labels: [no, yes]"


def places(problems: Problems, response: str, output: str) -> list[str]:
    found = problems(f"""\
auth: {{mode: none}}
engines:
  one: {{type: tin, region: here, discover: false, endpoints: {{loans: {{url: "http://h"}}}}}}
deployments:
  credit: {{engine: one, endpoint: loans, request: {{format: csv}}, response: {response}, output: {{{output}}}}}
""")
    assert all("`response.fields`" in line for line in found)
    return [line.split(": ")[1].removeprefix("deployments.credit.output.") for line in found]


@pytest.mark.parametrize(
    ("response", "output", "refused"),
    [
        ("{format: csv, fields: [label, score]}", "prediction: predicted_label", ["prediction"]),
        ("{format: csv, fields: [label, score]}", "prediction: label, probability: p", ["probability"]),
        ("{format: csv, fields: [label, q]}", EACH, ["probability[0]"]),
        ("{format: rows, row: array, fields: [label, score]}", "prediction: predicted_label", ["prediction"]),
    ],
)
def test_a_column_that_has_no_name_among_all_is_refused(
    problems: Problems, response: str, output: str, refused: list[str]
) -> None:
    assert places(problems, response, output) == refused


@pytest.mark.parametrize(
    ("response", "output"),
    [
        ("{format: csv, fields: [label, score]}", "prediction: label"),
        ("{format: csv, fields: [p, q]}", EACH),
        ("{format: csv, fields: [vector]}", "probability: vector"),
        ("{format: csv, fields: [label, score]}", ""),
        ("{format: csv, header: true, fields: [label, score]}", "prediction: predicted_label"),
        ("{format: csv}", "prediction: predicted_label"),
        ("{format: rows, fields: [label, score]}", "prediction: predicted_label"),
        ("{format: table, fields: [label, score]}", "prediction: predicted_label"),
        ("{format: tensors, fields: [label, score]}", "prediction: predicted_label"),
    ],
)
def test_what_an_answer_may_name_itself_is_taken(problems: Problems, response: str, output: str) -> None:
    assert places(problems, response, output) == []
