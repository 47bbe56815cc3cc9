import json

import aiohttp
import pytest

from adapters.testing import mlflow
from adapters.testing.azureml import credit_risk
from adapters.testing.credit_risk import COLUMNS, rows
from adapters.testing.mlflow import BadInputError, MlflowEmulator, read_csv, read_rows

ROWS = rows(3, seed=1)
SPLIT = {"dataframe_split": {"columns": list(COLUMNS), "data": [list(row) for row in ROWS]}}
EXPECTED = [credit_risk(dict(zip(COLUMNS, row, strict=True))) for row in ROWS]


async def posted(emulator, body, **headers):
    async with aiohttp.ClientSession() as session:
        headers = {"Content-Type": "application/json"} | headers
        async with session.post(f"{emulator.url}/invocations", data=json.dumps(body), headers=headers) as response:
            return response.status, await response.text()


@pytest.mark.parametrize(
    ("model", "predictions"),
    [
        (mlflow.labels, [item.label for item in EXPECTED]),
        (mlflow.probabilities, [list(item.probabilities) for item in EXPECTED]),
        (mlflow.frame, [{"label": item.label, "risk": item.probabilities[1]} for item in EXPECTED]),
        (
            mlflow.columns,
            {"label": [item.label for item in EXPECTED], "risk": [item.probabilities[1] for item in EXPECTED]},
        ),
    ],
)
async def test_models_answer_as_theirs_do(model, predictions):
    async with MlflowEmulator(model) as emulator:
        status, text = await posted(emulator, SPLIT)
    assert (status, json.loads(text)) == (200, {"predictions": predictions})


async def test_version_1_answers_bare():
    async with MlflowEmulator(bare=True) as emulator:
        _, text = await posted(emulator, {"dataframe_records": [{"Age": 33}]})
    assert isinstance(json.loads(text), list)


TABLE = [{"Age": 33, "Job": "clerk"}, {"Age": 51.5, "Job": None}]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["Age", "Job"], "data": [[33, "clerk"], [51.5, None]]}},
        {"dataframe_records": TABLE},
        {"instances": TABLE, "params": {"n": 1}},
        {"inputs": {"Age": [33, 51.5], "Job": ["clerk", None]}},
    ],
)
def test_all_forms_of_json_are_read(body):
    assert read_rows(json.dumps(body).encode()) == TABLE


def test_csv_is_read_with_its_header():
    assert read_csv(b"Age,Job\n33,clerk\n51.5,\n") == TABLE


@pytest.mark.parametrize("body", [b"", b"Age\n", b"Age,Job\n33\n"])
def test_csv_without_rows_or_with_ragged_ones_is_refused(body):
    with pytest.raises(BadInputError):
        read_csv(body)


async def test_a_content_type_with_parameters_is_415():
    async with MlflowEmulator() as emulator:
        status, _ = await posted(emulator, SPLIT, **{"Content-Type": "application/json; format=pandas-split"})
    assert status == 415


async def test_errors_have_a_code_and_a_message():
    async with MlflowEmulator() as emulator:
        bad, failed = await posted(emulator, [1]), await posted(emulator, {"dataframe_records": [{"x": 1}]})
    assert (bad[0], json.loads(bad[1])["error_code"]) == (400, "BAD_REQUEST")
    assert (failed[0], json.loads(failed[1])["error_code"]) == (500, "INTERNAL_ERROR")


async def test_a_proxy_in_front_wants_its_credential_everywhere():
    async with MlflowEmulator(authorization="Bearer t") as emulator, aiohttp.ClientSession() as session:
        for path, status in (("/ping", 401), ("/health", 401), ("/version", 401)):
            async with session.get(emulator.url + path) as response:
                assert response.status == status
        async with session.get(f"{emulator.url}/ping", headers={"Authorization": "Bearer t"}) as response:
            assert (response.status, await response.text()) == (200, "\n")


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        b"[]",
        b"{}",
        b'{"inputs": []}',
        b'{"inputs": {"a": [1], "b": [1, 2]}}',
        b'{"instances": [[1]], "params": {}}',
        b'{"dataframe_records": [{"a": 1}], "params": 1}',
        b'{"dataframe_split": {}, "dataframe_records": []}',
        b'{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}',
        b'{"dataframe_split": {"columns": "a", "data": []}}',
        b'{"dataframe_records": [1]}',
    ],
)
def test_what_is_not_exactly_one_readable_form_is_refused(body):
    with pytest.raises(BadInputError):
        read_rows(body)
