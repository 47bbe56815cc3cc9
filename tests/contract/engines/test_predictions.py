"""From fields and values to a platform's own bytes and back, by configuration alone: nothing may change on the way."""

import asyncio
import json
import time

import pytest

from adapters.base import CallContext
from adapters.testing import mlflow
from adapters.testing.azure_studio import AzureStudioEmulator, Model, Scored, credit_risk_multiclass
from adapters.testing.azureml import AzureMLEmulator, EmulatedDeployment, credit_risk, designer
from adapters.testing.credit_risk import COLUMNS, LABELS, NUMERIC_COLUMNS, numeric_cells, rows
from adapters.testing.custom import CustomEngineEmulator
from adapters.testing.emulator import Fault
from adapters.testing.mlflow import MlflowEmulator
from adapters.testing.open_inference import OpenInferenceEmulator, credit_risk_columns, credit_risk_matrix
from gateway.config import load
from gateway.pipeline import Pipelines
from gateway.registry import Registry
from schemas.deployment import Deployment
from schemas.errors import EngineReplyError, UnprocessableRequestError
from schemas.scoring import ScoringRequest

ROWS = rows(40, seed=5)
BACKWARDS = COLUMNS[::-1]
APPLICATIONS = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
EXPECTED = [credit_risk(row) for row in APPLICATIONS]
NUMERIC = [dict(zip(NUMERIC_COLUMNS, numeric_cells(row), strict=True)) for row in ROWS]
EXPECTED_OF_NUMBERS = [credit_risk(row) for row in NUMERIC]
CALL = ScoringRequest([[row[name] for name in BACKWARDS] for row in APPLICATIONS], list(BACKWARDS))


@pytest.fixture
def decoded(tmp_path, transport):
    """Score a request through the deployment `credit` of a configuration with one engine, `platform`."""

    async def decoded(engine, deployment, request=CALL):
        path = tmp_path / "gateway.yaml"
        deployment = {"engine": "platform", "endpoint": "credit"} | deployment
        path.write_text(
            json.dumps(
                {
                    "auth": {"mode": "none"},
                    "engines": {"platform": engine},
                    "deployments": {"credit": deployment},
                    "payload_log": {"path": str(tmp_path / "payloads.db")},
                }
            )
        )
        registry = Registry.load()
        configuration = load(str(path), registry)
        configured = configuration.engines["platform"]
        async with configured.plugin.connect(configured.settings, transport) as connected:
            known = [*(await connected.endpoints() if configured.settings.discover else ()), *connected.configured()]
            endpoint = next(item for item in known if item.name == "credit")
            settings = configuration.deployments["credit"]
            pipeline = Pipelines(configuration, registry, {"platform": connected}, time.monotonic).of(
                Deployment(id="credit", engine="platform", endpoint=endpoint, settings=settings)
            )
            parts = pipeline.encode(request)
            context = CallContext("0193500000007000800000000000000a", asyncio.get_running_loop().time() + 30)
            answers = [await connected.invoke(endpoint, part.request, context) for part in parts]
        return pipeline.decode(request, parts, answers)

    return decoded


@pytest.fixture
def score(decoded):
    async def score(*arguments):
        return (await decoded(*arguments)).response

    return score


def assert_predicted(response, expected, approximately=False):
    assert response.fields == ["prediction", "probability"]
    assert [label for label, _ in response.values] == [prediction.label for prediction in expected]
    for (_, probability), prediction in zip(response.values, expected, strict=True):
        assert probability == pytest.approx(list(prediction.probabilities), abs=1e-12 if approximately else 0)


V2_OUTPUT = {"prediction": "label", "probability": "probabilities", "probability_of": "each", "labels": list(LABELS)}
V2 = {"request": {"format": "tensors"}, "response": {"format": "tensors"}, "output": V2_OUTPUT}
STUDIO_OUTPUT = {
    "prediction": "Scored Labels",
    "probability": "Scored Probabilities",
    "probability_of": "positive",
    "labels": list(LABELS),
}


async def test_metadata_alone_says_how_a_model_with_a_tensor_for_each_column_is_called(score):
    async with OpenInferenceEmulator() as emulator:
        emulator.add_model("credit", credit_risk_columns())
        response = await score({"type": "open_inference", "url": emulator.url}, V2)
    assert_predicted(response, EXPECTED)


async def test_metadata_alone_says_how_a_model_with_one_tensor_for_all_columns_is_called(score):
    async with OpenInferenceEmulator() as emulator:
        emulator.add_model("credit", credit_risk_matrix())
        deployment = V2 | {"input": {"fields": list(NUMERIC_COLUMNS)}}
        response = await score({"type": "open_inference", "url": emulator.url}, deployment)
    assert_predicted(response, EXPECTED_OF_NUMBERS)


async def test_options_of_the_deployment_count_more_than_metadata(score):
    async with OpenInferenceEmulator() as emulator:
        emulator.add_model("credit", credit_risk_matrix())
        deployment = V2 | {
            "request": {"format": "tensors", "datatypes": {"predict": "INT8"}},
            "input": {"fields": list(NUMERIC_COLUMNS)},
        }
        with pytest.raises(UnprocessableRequestError, match="INT8"):
            await score({"type": "open_inference", "url": emulator.url}, deployment)


async def test_a_batch_beyond_the_limits_of_a_model_is_joined_in_order(score):
    async with OpenInferenceEmulator() as emulator:
        emulator.add_model("credit", credit_risk_columns())
        engine = {
            "type": "open_inference",
            "url": emulator.url,
            "endpoints": {"credit": {"limits": {"max_rows": 7}}},
        }
        response = await score(engine, V2)
        assert emulator.requests["infer"] == 6
    assert_predicted(response, EXPECTED)


async def test_an_mlflow_server_is_called_with_its_preset(score):
    async with MlflowEmulator(mlflow.frame) as emulator:
        deployment = {
            "format": "mlflow",
            "output": {
                "prediction": "label",
                "probability": "risk",
                "probability_of": "positive",
                "labels": list(LABELS),
            },
        }
        engine = {"type": "mlflow", "endpoints": {"credit": {"url": emulator.url}}}
        response = await score(engine, deployment)
    assert_predicted(response, EXPECTED)


@pytest.mark.parametrize(
    "request_",
    [
        {"format": "rows", "at": "dataframe_records", "row": "object"},
        {"format": "rows", "at": "instances", "row": "object", "body_constants": {"params": {"n": 1}}},
        {"format": "rows", "at": "inputs", "row": "columns"},
        {"format": "csv", "header": True},
    ],
)
@pytest.mark.parametrize("model", [mlflow.frame, mlflow.columns])
async def test_an_mlflow_server_takes_each_of_its_forms(score, request_, model):
    output = {"prediction": "label", "probability": "risk", "probability_of": "positive", "labels": list(LABELS)}
    async with MlflowEmulator(model) as emulator:
        engine = {"type": "mlflow", "endpoints": {"credit": {"url": emulator.url}}}
        response = await score(engine, {"format": "mlflow", "request": request_, "output": output})
        (call,) = emulator.calls
    assert_predicted(response, EXPECTED)
    assert (b'"params"' in call.body) is ("body_constants" in request_)


async def test_numbers_that_an_mlflow_server_has_none_for_are_null(score):
    async with MlflowEmulator(lambda rows: [{"0": float("nan")} for _ in rows]) as emulator:
        engine = {"type": "mlflow", "endpoints": {"credit": {"url": emulator.url}}}
        response = await score(engine, {"format": "mlflow"}, ScoringRequest([[1], [2]], ["x"]))
    assert (response.fields, response.values) == (["prediction"], [[None], [None]])


@pytest.mark.parametrize("bare", [False, True])
async def test_labels_of_an_mlflow_server_are_predictions(score, bare):
    async with MlflowEmulator(mlflow.labels, bare=bare) as emulator:
        engine = {"type": "mlflow", "endpoints": {"credit": {"url": emulator.url}}}
        response = await score(engine, {"format": "mlflow"})
    assert (response.fields, response.values) == (["prediction"], [[item.label] for item in EXPECTED])


async def test_vectors_of_an_mlflow_server_are_probabilities(score):
    async with MlflowEmulator(mlflow.probabilities) as emulator:
        engine = {"type": "mlflow", "endpoints": {"credit": {"url": emulator.url}}}
        response = await score(engine, {"format": "mlflow"})
    assert response.fields == ["probability"]
    assert [vector for (vector,) in response.values] == [list(item.probabilities) for item in EXPECTED]


def optional_note(rows):
    """Answer as a pyfunc model that adds a key to bad risks alone."""
    return [answer | {"note": 1} if answer["label"] == LABELS[1] else answer for answer in mlflow.frame(rows)]


async def test_parts_of_a_batch_whose_rows_lack_keys_are_joined_by_name(score):
    async with MlflowEmulator(optional_note) as emulator:
        engine = {
            "type": "mlflow",
            "endpoints": {"credit": {"url": emulator.url, "limits": {"max_rows": 1, "max_parallel": 1}}},
        }
        response = await score(engine, {"format": "mlflow"})
        assert emulator.requests["invocations"] == len(ROWS)
    assert sorted(response.fields) == ["label", "note", "risk"]
    rows = [dict(zip(response.fields, row, strict=True)) for row in response.values]
    assert [row["label"] for row in rows] == [item.label for item in EXPECTED]
    assert [row["note"] for row in rows] == [1 if item.label == LABELS[1] else None for item in EXPECTED]


async def test_parts_of_a_batch_with_answers_of_different_forms_are_refused(score):
    answers = iter([[1], [[0.1, 0.9]]])
    async with MlflowEmulator(lambda _: next(answers)) as emulator:
        engine = {
            "type": "mlflow",
            "endpoints": {"credit": {"url": emulator.url, "limits": {"max_rows": 1, "max_parallel": 1}}},
        }
        with pytest.raises(EngineReplyError, match="different columns"):
            await score(engine, {"format": "mlflow"}, ScoringRequest([[1], [2]], ["x"]))


@pytest.mark.parametrize("order", [LABELS, LABELS[::-1]])
async def test_labels_of_the_answer_are_compared_and_never_used(decoded, order):
    def answer(body):
        values = [["Risk", [0.25, 0.75]] for _ in body["values"]]
        return {"fields": ["prediction", "probability"], "labels": list(order), "values": values}

    output = {"prediction": "prediction", "probability": "probability", "probability_of": "each"}
    async with CustomEngineEmulator() as emulator:
        emulator.add_deployment("credit", handler=answer)
        engine = {"type": "custom", "url": emulator.url}
        answered = await decoded(engine, {"format": "openscale", "output": output | {"labels": list(LABELS)}})
    assert answered.response.labels == list(LABELS)
    assert answered.labels_contradict is (order != LABELS)


async def test_a_studio_service_in_table_style_is_called_with_its_preset(score):
    """Strings out and in, the label column that the graph wants, echoed inputs, a scalar of the positive class."""
    async with AzureStudioEmulator() as emulator:
        service = emulator.add_service("credit")
        engine = {
            "type": "azure_studio",
            "discover": False,
            "endpoints": {"credit": {"url": emulator.scoring_url(service), "key": service.keys[0]}},
        }
        deployment = {"format": "azure-studio", "input": {"constants": {"Risk": "NA"}}, "output": STUDIO_OUTPUT}
        response = await score(engine, deployment)
    assert_predicted(response, EXPECTED, approximately=True)


async def test_a_studio_service_in_rows_style_is_called_with_the_codec_rows(score):
    async with AzureStudioEmulator() as emulator:
        service = emulator.add_service("credit")
        engine = {
            "type": "azure_studio",
            "discover": False,
            "style": "rows",
            "endpoints": {"credit": {"url": emulator.scoring_url(service), "key": service.keys[1]}},
        }
        deployment = {
            "request": {
                "format": "rows",
                "at": "Inputs.input1",
                "row": "object",
                "body_constants": {"GlobalParameters": {}},
            },
            "response": {"format": "rows", "at": "Results.output1"},
            "input": {"constants": {"Risk": "NA"}},
            "output": STUDIO_OUTPUT,
        }
        response = await score(engine, deployment)
    assert_predicted(response, EXPECTED, approximately=True)


async def test_a_json_string_in_a_cell_of_a_studio_service_is_read_by_setting(score):
    model = Model(["x"], lambda rows: Scored(["why"], ["String"], [[f'{{"x": [{row["x"]}]}}'] for row in rows]))
    async with AzureStudioEmulator() as emulator:
        service = emulator.add_service("credit", model)
        engine = {
            "type": "azure_studio",
            "discover": False,
            "endpoints": {"credit": {"url": emulator.scoring_url(service), "key": service.keys[0]}},
        }
        request = ScoringRequest([[1], [2.5]], ["x"])
        as_text = await score(engine, {"format": "azure-studio"}, request)
        decoding = {"format": "azure-studio", "response": {"convert": {"why": "json"}}}
        as_json = await score(engine, decoding, request)
    assert as_text.values == [['{"x": [1]}'], ['{"x": [2.5]}']]
    assert as_json.values == [[{"x": [1]}], [{"x": [2.5]}]]


async def test_class_columns_of_a_discovered_studio_service_become_one_vector_in_the_order_of_labels(score):
    async with AzureStudioEmulator() as emulator:
        emulator.add_service("credit", credit_risk_multiclass())
        engine = {
            "type": "azure_studio",
            "subscription_id": emulator.subscription_id,
            "resource_group": emulator.resource_group,
            "control_url": emulator.url,
            "credentials": {"token": emulator.issue_token()},
        }
        reversed_labels = list(LABELS[::-1])
        deployment = {
            "format": "azure-studio",
            "output": {
                "prediction": "Scored Labels",
                "probability": [f'Scored Probabilities for Class "{label}"' for label in reversed_labels],
                "labels": reversed_labels,
            },
        }
        response = await score(engine, deployment)
    assert response.labels == reversed_labels
    assert [label for label, _ in response.values] == [item.label for item in EXPECTED_OF_NUMBERS]
    for (_, vector), item in zip(response.values, EXPECTED_OF_NUMBERS, strict=True):
        assert vector == pytest.approx(list(item.probabilities[::-1]), abs=1e-12)


async def test_the_input_of_a_designer_pipeline_is_found_in_its_own_description(score):
    def pipeline(body):
        return designer({"Inputs": {"WebServiceInput0": body["Inputs"]["applications"]}})

    example = {"Inputs": {"applications": [APPLICATIONS[0]]}, "GlobalParameters": {}}
    document = {"definitions": {"ExecutionRequest": {"type": "object", "example": example}}}
    async with AzureMLEmulator() as emulator:
        emulator.add_endpoint("credit", deployments=[EmulatedDeployment(handler=pipeline)])
        emulator.play(Fault(route="swagger", body=json.dumps(document).encode(), times=None))
        engine = {
            "type": "azureml",
            "subscription_id": emulator.subscription_id,
            "resource_group": emulator.resource_group,
            "workspace": emulator.workspace,
            "control_url": emulator.url,
            "credentials": {"token": emulator.issue_token()},
        }
        deployment = {
            "request": {"format": "rows"},
            "response": {"format": "rows", "at": "Results.WebServiceOutput0"},
            "output": STUDIO_OUTPUT,
        }
        response = await score(engine, deployment)
        assert json.loads(emulator.calls[-1].body)["GlobalParameters"] == {}
    assert_predicted(response, EXPECTED, approximately=True)
