import asyncio
import json
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256

import boto3
import pytest
from aiohttp import ClientSession
from botocore.config import Config
from botocore.exceptions import ClientError

from adapters.engines.sagemaker.signing import Keys, Signer
from adapters.testing.sagemaker import AccessKey, LinearLearner, ModelFailureError, SageMakerEmulator, aws_error
from adapters.testing.sagemaker.emulator import DEFAULT_KEY, MAX_SERVERLESS_BYTES

LINEAR = LinearLearner(weights=(1.0, -1.0))


@pytest.fixture
async def emulator():
    async with SageMakerEmulator() as emulator:
        emulator.add_endpoint("credit", model=LINEAR)
        yield emulator


@pytest.fixture
def client(emulator):
    """Return boto3's clients: an SDK that knows nothing of the emulator."""
    made = []

    def make(service, key=DEFAULT_KEY, region="us-east-1"):
        made.append(
            boto3.client(
                service,
                region_name=region,
                endpoint_url=emulator.url,
                aws_access_key_id=key.id,
                aws_secret_access_key=key.secret,
                aws_session_token=key.session_token,
                config=Config(retries={"total_max_attempts": 1}),
            )
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


async def invoke(client, name="credit", body=b"1,2\n2,1", **arguments):
    call = partial(client.invoke_endpoint, EndpointName=name, ContentType="text/csv", Body=body, **arguments)
    answer = await asyncio.to_thread(call)
    return answer["Body"].read()


async def refused(awaitable):
    with pytest.raises(ClientError) as caught:
        await awaitable
    return caught.value.response["Error"]["Code"]


async def test_the_sdk_scores(emulator, client):
    answer = json.loads(await invoke(client("sagemaker-runtime"), Accept="application/json"))
    assert [row["predicted_label"] for row in answer["predictions"]] == [0, 1]
    assert emulator.invocations[-1].endpoint == "credit"
    assert emulator.invocations[-1].headers["accept"] == "application/json"
    assert emulator.invocations[-1].body == b"1,2\n2,1"


async def test_the_sdk_scores_with_every_header_of_the_runtime(emulator, client):
    emulator.add_endpoint("many", targets={"a b.tar.gz": LINEAR})
    await invoke(
        client("sagemaker-runtime"),
        "many",
        TargetModel="a b.tar.gz",
        TargetVariant="AllTraffic",
        CustomAttributes="a=1,  b=2",
        InferenceId="0193500000007000800000000000000a",
    )
    assert emulator.invocations[-1].headers["X-Amzn-SageMaker-Inference-Id"] == "0193500000007000800000000000000a"


async def test_temporary_keys_need_their_token(emulator, client):
    key = AccessKey(id="ASIATEMP", secret="temporary", session_token="token")
    emulator.add_key(key)
    await invoke(client("sagemaker-runtime", key))
    wrong = AccessKey(id=key.id, secret=key.secret, session_token="another")
    assert await refused(invoke(client("sagemaker-runtime", wrong))) == "UnrecognizedClientException"
    emulator.add_key(AccessKey(id=key.id, secret=key.secret, session_token="token", expired=True))
    assert await refused(invoke(client("sagemaker-runtime", key))) == "ExpiredTokenException"
    emulator.remove_key(key.id)
    assert await refused(invoke(client("sagemaker-runtime", key))) == "UnrecognizedClientException"


@pytest.mark.parametrize("service", ["sagemaker-runtime", "sagemaker"])
async def test_a_wrong_secret_or_region_is_refused_everywhere(client, service):
    def call(client):
        if service == "sagemaker":
            return asyncio.to_thread(client.list_endpoints)
        return invoke(client)

    wrong = AccessKey(id=DEFAULT_KEY.id, secret="wrong")
    assert await refused(call(client(service, wrong))) == "InvalidSignatureException"
    assert await refused(call(client(service, region="eu-west-1"))) == "InvalidSignatureException"


@pytest.mark.parametrize("tampered", ["body", "path", "header", "signature", "nothing"])
async def test_what_was_changed_after_signing_is_refused(emulator, tampered):
    emulator.add_endpoint("other", model=LINEAR)
    path, body = "/endpoints/credit/invocations", b"1,2"
    keys = Keys(DEFAULT_KEY.id, DEFAULT_KEY.secret)
    headers = Signer(emulator.url, "us-east-1").sign(
        keys,
        path,
        {"content-type": "text/csv", "x-amzn-sagemaker-inference-id": "1"},
        body_sha256=sha256(body).hexdigest(),
        now=datetime.now(UTC),
    )
    match tampered:
        case "body":
            body = b"2,1"
        case "path":
            path = "/endpoints/other/invocations"
        case "header":
            headers["x-amzn-sagemaker-inference-id"] = "2"
        case "signature":
            headers["authorization"] = headers["authorization"][:-1] + "_"
    async with ClientSession() as session, session.post(emulator.url + path, data=body, headers=headers) as answer:
        assert answer.status == (200 if tampered == "nothing" else 403)


async def test_an_unsigned_request_is_refused(emulator):
    url = f"{emulator.url}/endpoints/credit/invocations"
    async with ClientSession() as session, session.post(url, data=b"1,2") as answer:
        assert answer.status == 403
        assert answer.headers["x-amzn-ErrorType"].startswith("MissingAuthenticationTokenException")
    assert not emulator.invocations


async def test_an_endpoint_that_is_unknown_or_not_in_service_is_not_found(emulator, client):
    emulator.add_endpoint("failed", model=LINEAR, status="Failed")
    emulator.add_endpoint("batch", model=LINEAR, asynchronous=True)
    emulator.add_endpoint("gone", model=LINEAR)
    emulator.remove_endpoint("gone")
    for name in ("failed", "batch", "gone"):
        with pytest.raises(ClientError, match=f"Endpoint {name} of account 123456789012 not found."):
            await invoke(client("sagemaker-runtime"), name)


async def test_variants_components_and_artifacts_have_to_exist(emulator, client):
    runtime = client("sagemaker-runtime")
    emulator.add_endpoint("shared", components={"a": LINEAR})
    emulator.add_endpoint("many", targets={"a.tar.gz": LINEAR})
    assert await invoke(runtime, "shared", InferenceComponentName="a")
    assert await refused(invoke(runtime, "shared")) == "ValidationError"
    assert await refused(invoke(runtime, "shared", InferenceComponentName="b")) == "ValidationError"
    assert await refused(invoke(runtime, "many")) == "ValidationError"
    assert await refused(invoke(runtime, "many", TargetModel="b.tar.gz")) == "ValidationError"
    assert await refused(invoke(runtime, "credit", TargetVariant="blue")) == "ValidationError"


async def test_bodies_are_limited_as_on_the_platform(emulator, client):
    emulator.add_endpoint("small", model=lambda *_: (b"", "text/csv"), serverless=True)
    runtime = client("sagemaker-runtime")
    await invoke(runtime, "small", b"1" * MAX_SERVERLESS_BYTES)
    assert await refused(invoke(runtime, "small", b"1" * (MAX_SERVERLESS_BYTES + 1))) == "413"


async def test_a_failing_model_is_a_model_error_with_its_own_status(emulator, client):
    def broken(*_):
        raise ModelFailureError(503, "busy")

    emulator.add_endpoint("broken", model=broken)
    runtime = client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ModelError) as caught:
        await invoke(runtime, "broken")
    assert caught.value.response["OriginalStatusCode"] == 503
    assert caught.value.response["OriginalMessage"] == "busy"


async def test_an_emulated_error_is_read_by_the_sdk(emulator, client):
    runtime = client("sagemaker-runtime")
    emulator.play(aws_error("ModelNotReadyException", 429), aws_error("ThrottlingException", 400, route="control"))
    with pytest.raises(runtime.exceptions.ModelNotReadyException):
        await invoke(runtime)
    assert await refused(asyncio.to_thread(client("sagemaker").list_endpoints)) == "ThrottlingException"
    assert emulator.requests == {"invocations": 1, "control": 1}


async def test_listings_come_in_pages_and_can_be_narrowed(emulator, client):
    for k in range(25):
        emulator.add_endpoint(f"loans-{k:02}", model=LINEAR, status="Updating")
    control = client("sagemaker")

    def listed(**arguments):
        pages = list(control.get_paginator("list_endpoints").paginate(**arguments))
        return len(pages), [item["EndpointName"] for page in pages for item in page["Endpoints"]]

    pages, names = await asyncio.to_thread(listed)
    assert pages == 3
    assert names == ["credit", *(f"loans-{k:02}" for k in range(25))]
    assert await asyncio.to_thread(partial(listed, StatusEquals="InService")) == (1, ["credit"])
    assert await asyncio.to_thread(partial(listed, NameContains="ns-1")) == (1, [f"loans-{k}" for k in range(10, 20)])


async def test_an_endpoint_is_described_down_to_its_model(client):
    control = client("sagemaker")

    def described():
        endpoint = control.describe_endpoint(EndpointName="credit")
        config = control.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
        return endpoint, control.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])

    endpoint, model = await asyncio.to_thread(described)
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["CreationTime"] <= datetime.now(UTC)
    assert model["ModelName"] == "credit-model"


async def test_components_are_listed_and_described(emulator, client):
    emulator.add_endpoint("shared", components={"a": LINEAR, "b": LINEAR}, model_name="base")
    control = client("sagemaker")
    listed = await asyncio.to_thread(partial(control.list_inference_components, EndpointNameEquals="shared"))
    assert [item["InferenceComponentName"] for item in listed["InferenceComponents"]] == ["a", "b"]
    described = await asyncio.to_thread(partial(control.describe_inference_component, InferenceComponentName="b"))
    assert described["Specification"]["ModelName"] == "base-b"


async def test_operations_are_denied_for_one_thing_until_allowed(emulator, client):
    emulator.add_endpoint("other", model=LINEAR)
    emulator.deny("DescribeEndpoint", "credit")
    control = client("sagemaker")
    describe = partial(asyncio.to_thread, control.describe_endpoint)
    assert await refused(describe(EndpointName="credit")) == "AccessDeniedException"
    await describe(EndpointName="other")
    emulator.allow()
    await describe(EndpointName="credit")


@pytest.mark.parametrize(
    "call",
    [
        lambda control: control.describe_endpoint(EndpointName="nobody"),
        lambda control: control.describe_endpoint_config(EndpointConfigName="nobody-config"),
        lambda control: control.describe_model(ModelName="nobody"),
        lambda control: control.describe_inference_component(InferenceComponentName="nobody"),
    ],
)
async def test_what_does_not_exist_is_not_described(client, call):
    assert await refused(asyncio.to_thread(call, client("sagemaker"))) == "ValidationException"


async def test_an_operation_that_is_not_emulated_is_named_unknown(client):
    assert await refused(asyncio.to_thread(client("sagemaker").list_models)) == "UnknownOperationException"


def test_an_endpoint_without_a_model_is_a_mistake():
    with pytest.raises(ValueError, match="needs one of"):
        SageMakerEmulator().add_endpoint("empty")
