"""`log: native` is refused where the endpoint's own form can't be told from fields/values, or can't be read."""

from collections.abc import Callable

import pytest

Problems = Callable[..., list[str]]

FIELDS = "input: {fields: [Age, Job]}"
ALIKE = "look like fields/values"
UNNAMED = "`native` needs the names in `input.fields`"
UNREADABLE = "can't be read back"


def text(settings: str, log: str = "native") -> str:
    return f"""\
auth: {{mode: none}}
engines:
  one: {{type: tin, region: here, discover: false, endpoints: {{loans: {{url: "http://h"}}}}}}
deployments:
  credit: {{engine: one, endpoint: loans, log: {log}, {settings}}}
"""


def requests(options: str) -> str:
    return f"request: {{{options}}}, response: {{format: rows}}"


@pytest.mark.parametrize(
    "settings",
    [
        f"format: sagemaker-linear-learner, {FIELDS}",
        "format: sagemaker-linear-learner, request: {header: true}",
        "format: azureml",
        "format: azureml-automl",
        "format: azureml-designer",
        "format: azureml-mlflow",
        "format: azure-studio",
        "format: mlflow",
        f"format: tf-serving, {FIELDS}",
        f"{requests('format: jsonlines, row: features')}, {FIELDS}",
        requests("format: jsonlines"),
        requests("format: tensors"),
        requests("format: tensors, outputs: [label]"),
        f"{requests('format: tensors, tensor: all')}, {FIELDS}",
        f"{requests('format: rows, row: array, at: values, body_constants: {signature_name: x}')}, {FIELDS}",
        f"{requests('format: rows, row: columns')}, {FIELDS}",
        f"{requests('format: rows')}, input: {{fields: [Age], constants: {{Job: clerk}}}}",
        f"{requests('format: table, at: data')}",
        f"{requests('format: table, columns: names')}",
    ],
)
def test_a_form_that_is_told_and_read_is_taken(problems: Problems, settings: str) -> None:
    assert problems(text(settings)) == []


@pytest.mark.parametrize(
    "settings",
    [
        "format: openscale",
        "format: wml",
        requests("format: table"),
        requests("format: table, at: 'input_data[0]'"),
        requests("format: table, columns: meta"),
        f"{requests('format: rows, row: array, at: values')}, {FIELDS}",
        f"{requests('format: rows, row: columns')}, input: {{fields: [fields, values]}}",
    ],
)
def test_a_form_like_fields_values_is_refused(problems: Problems, settings: str) -> None:
    (problem,) = problems(text(settings))
    assert problem.split(": ")[1] == "deployments.credit.log"
    assert ALIKE in problem


@pytest.mark.parametrize(
    "settings",
    [
        "format: sagemaker-linear-learner",
        "format: tf-serving",
        requests("format: jsonlines, row: features"),
        requests("format: tensors, tensor: all"),
    ],
)
def test_columns_without_names_have_to_be_named(problems: Problems, settings: str) -> None:
    (problem,) = problems(text(settings))
    assert problem.split(": ")[1] == "deployments.credit.log"
    assert UNNAMED in problem


def test_names_that_contradict_each_other_are_refused(problems: Problems) -> None:
    (problem,) = problems(text(f"{requests('format: csv, fields: [a, b]')}, {FIELDS}"))
    assert UNREADABLE in problem
    assert problems(text(f"{requests('format: csv, fields: [Age, Job]')}, {FIELDS}")) == []


def test_a_form_that_takes_texts_alone_is_asked_with_one(problems: Problems) -> None:
    settings = requests("format: tensors, datatypes: {Age: BYTES}")
    assert problems(text(f"{settings}, input: {{fields: [Age]}}")) == []


def test_other_problems_are_told_first(problems: Problems) -> None:
    (problem,) = problems(text("format: nobody-knows-it"))
    assert problem.split(": ")[1] == "deployments.credit.format"
    (problem,) = problems(text("format: tf-serving, input: {fields: []}"))
    assert problem.split(": ")[1] == "deployments.credit.input.fields"


def test_a_marker_has_to_be_outside_of_the_body(problems: Problems) -> None:
    (problem,) = problems(text("format: azureml, log_marker: {body_key: log}"))
    assert problem.split(": ")[1] == "deployments.credit.log_marker.body_key"
    assert problems(text("format: azureml, log_marker: {header: X-Log}")) == []


@pytest.mark.parametrize("log", ["application", "all", "none"])
def test_nothing_of_this_matters_otherwise(problems: Problems, log: str) -> None:
    assert problems(text("format: openscale", log)) == []


def test_the_defaults_of_an_engine_are_checked_alike(problems: Problems) -> None:
    with_defaults = text("format: azureml", "application").replace(
        "discover: false", "discover: false, defaults: {log: native, format: wml}"
    )
    (problem,) = problems(with_defaults)
    assert problem.split(": ")[1] == "engines.one.defaults.log"
    assert problems(with_defaults.replace(", format: wml", "")) == []
