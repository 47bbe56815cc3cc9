import aiohttp
import msgspec
import pytest

from adapters.testing.credit_risk import NUMERIC_COLUMNS
from adapters.testing.open_inference import OpenInferenceEmulator, credit_risk_columns, credit_risk_matrix

WIDTH = len(NUMERIC_COLUMNS)
MATRIX = {
    "inputs": [{"name": "predict", "datatype": "FP64", "shape": [2, WIDTH], "data": [[1.0] * WIDTH, [2.0] * WIDTH]}]
}


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def answered(session, method, url, **options):
    async with session.request(method, url, **options) as response:
        return response.status, await response.json(content_type=None)


async def test_index_and_metadata_describe_the_models(session):
    async with OpenInferenceEmulator() as emulator:
        emulator.add_model("credit", msgspec.structs.replace(credit_risk_matrix(), versions=("1", "2")))
        emulator.add_model("late", msgspec.structs.replace(credit_risk_columns(), state="LOADING"))
        index = f"{emulator.url}/v2/repository/index"
        _, ready = await answered(session, "POST", index, json={"ready": True})
        _, everything = await answered(session, "POST", index, json={})
        _, metadata = await answered(session, "GET", f"{emulator.url}/v2/models/credit/versions/1")
    assert [(item["name"], item["version"]) for item in ready] == [("credit", "1"), ("credit", "2")]
    assert everything[-1]["state"] == "LOADING"
    assert metadata["inputs"] == [{"name": "predict", "datatype": "FP64", "shape": [-1, WIDTH]}]
    assert metadata["versions"] == ["1", "2"]


async def test_each_kind_of_server_has_its_own_list(session):
    async with OpenInferenceEmulator(listing="models") as emulator:
        emulator.add_model("credit", credit_risk_matrix())
        assert await answered(session, "GET", f"{emulator.url}/v2/models") == (200, {"models": ["credit"]})
        async with session.post(f"{emulator.url}/v2/repository/index", json={}) as response:
            assert response.status == 404


async def test_inference_answers_rows_and_the_callers_id(session):
    async with OpenInferenceEmulator() as emulator:
        emulator.add_model("credit", credit_risk_matrix())
        url = f"{emulator.url}/v2/models/credit/infer"
        status, answer = await answered(session, "POST", url, json=MATRIX | {"id": "a"})
    assert (status, answer["id"], answer["model_version"]) == (200, "a", "1")
    assert [output["shape"] for output in answer["outputs"]] == [[2], [2, 2]]
    assert emulator.calls[-1].model == "credit"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v2/models/credit/infer", {"inputs": []}, 400),
        ("/v2/models/credit/versions/9/infer", MATRIX, 404),
        ("/v2/models/gone/infer", MATRIX, 404),
    ],
)
async def test_errors_have_the_form_of_the_protocol(session, path, body, status):
    async with OpenInferenceEmulator() as emulator:
        emulator.add_model("credit", credit_risk_matrix())
        got, answer = await answered(session, "POST", emulator.url + path, json=body)
    assert (got, list(answer)) == (status, ["error"])


async def test_credentials_are_checked_everywhere_but_for_health(session):
    async with OpenInferenceEmulator(authorization="Bearer t") as emulator:
        emulator.add_model("credit", credit_risk_matrix())
        for method, path in (("GET", ""), ("POST", "/repository/index"), ("GET", "/models/credit")):
            assert (await answered(session, method, f"{emulator.url}/v2{path}"))[0] == 401
        assert (await answered(session, "GET", f"{emulator.url}/v2/health/live"))[0] == 200
        ready = f"{emulator.url}/v2/models/credit/ready"
        assert (await answered(session, "GET", ready, headers={"Authorization": "Bearer t"}))[0] == 200


async def test_a_server_without_versions_and_metadata_says_so(session):
    async with OpenInferenceEmulator(versioned=False) as emulator:
        emulator.add_model("credit", msgspec.structs.replace(credit_risk_matrix(), has_metadata=False))
        for path in ("credit", "credit/versions/1"):
            assert (await answered(session, "GET", f"{emulator.url}/v2/models/{path}"))[0] == 501
