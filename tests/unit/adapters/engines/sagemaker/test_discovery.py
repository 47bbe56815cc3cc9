import asyncio
import time
from datetime import datetime

import msgspec
import pytest

from adapters.base.patience import MAX_MISSED
from adapters.engines.sagemaker.discovery import AT_ONCE, REOPEN_SECONDS, SECONDS, Discovery
from adapters.engines.sagemaker.endpoints import MAX_SERVERLESS_BYTES
from adapters.engines.sagemaker.settings import SageMakerSettings
from adapters.testing.sagemaker import LinearLearner, SageMakerEmulator, aws_error
from adapters.testing.sagemaker.emulator import DEFAULT_KEY
from schemas.errors import EngineRefusedError, EngineUnavailableError

LINEAR = LinearLearner(weights=(1.0,))
CREDENTIALS = {"access_key_id": DEFAULT_KEY.id, "secret_access_key": DEFAULT_KEY.secret}
ROLE = "arn:aws:iam::123456789012:role/sagemaker"


@pytest.fixture
def discovery():
    made = []

    def make(url, *, seconds=SECONDS, reopen_seconds=REOPEN_SECONDS, clock=time.monotonic, **options):
        config = {"type": "sagemaker", "region": "us-east-1", "control_url": url, "credentials": CREDENTIALS}
        settings = msgspec.convert(config | options, SageMakerSettings)
        made.append(Discovery(settings, seconds=seconds, reopen_seconds=reopen_seconds, clock=clock))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def create(client, name):
    image = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"}
    client.create_model(
        ModelName=f"{name}-Model",
        PrimaryContainer=image | {"ModelDataUrl": f"s3://bucket/{name}.tar.gz"},
        ExecutionRoleArn=ROLE,
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": f"{name}-Model",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.t2.medium",
        "InitialVariantWeight": 1.0,
    }
    client.create_endpoint_config(EndpointConfigName=f"{name}-config", ProductionVariants=[variant])
    client.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config")


def test_endpoints_of_an_independent_control_plane_are_found_whole(moto_url, moto_client, discovery):
    create(moto_client, "credit")
    create(moto_client, "loans")
    found = {endpoint.name: endpoint for endpoint in discovery(moto_url).endpoints()}
    assert sorted(found) == ["credit", "loans"]
    credit = found["credit"]
    described = moto_client.describe_endpoint(EndpointName="credit")
    assert credit.rn == described["EndpointArn"]
    assert datetime.fromisoformat(credit.created_at) == described["CreationTime"]
    assert credit.asset.name == "credit-Model"
    assert credit.asset.url == "s3://bucket/credit.tar.gz"
    assert credit.asset.rn == moto_client.describe_model(ModelName="credit-Model")["ModelArn"]


async def names(discovery):
    return [endpoint.name for endpoint in await asyncio.to_thread(discovery.endpoints)]


async def one(discovery):
    (endpoint,) = await asyncio.to_thread(discovery.endpoints)
    return endpoint


@pytest.fixture
async def platform():
    async with SageMakerEmulator() as platform:
        yield platform


async def test_an_account_without_endpoints_has_none(platform, discovery):
    assert await names(discovery(platform.url)) == []


async def test_what_serves_is_listed_and_nothing_else(platform, discovery):
    serving = ["InService", "RollingBack", "SystemUpdating", "UpdateRollbackFailed", "Updating"]
    for status in serving:
        platform.add_endpoint(status, model=LINEAR, status=status)
    for status in ("OutOfService", "Creating", "Deleting", "Failed"):
        platform.add_endpoint(status, model=LINEAR, status=status)
    assert await names(discovery(platform.url)) == serving


async def test_asynchronous_endpoints_are_left_out(platform, discovery):
    platform.add_endpoint("batch", model=LINEAR, asynchronous=True)
    platform.add_endpoint("online", model=LINEAR)
    assert await names(discovery(platform.url)) == ["online"]


async def test_every_page_is_read(platform, discovery):
    for k in range(100):
        platform.add_endpoint(f"batch-{k}", model=LINEAR, asynchronous=True)
    platform.add_endpoint("last", model=LINEAR)
    assert await names(discovery(platform.url)) == ["last"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (True, ["Credit", "credit", "shared/a", "shared/b"]),
        ({"include": ["credit"]}, ["credit"]),
        ({"include": ["?redit", "nothing*"]}, ["Credit", "credit"]),
        ({"exclude": ["c*"]}, ["Credit", "shared/a", "shared/b"]),
        ({"include": ["shared"]}, ["shared/a", "shared/b"]),
        ({"include": ["shared/b"]}, ["shared/b"]),
        ({"include": ["sh*/a", "credit"]}, ["credit", "shared/a"]),
        ({"include": ["*b"]}, ["shared/b"]),
        ({"exclude": ["shared/a", "*redit"]}, ["shared/b"]),
        ({"exclude": ["shared"]}, ["Credit", "credit"]),
    ],
)
async def test_patterns_choose_endpoints_and_components(platform, wanted, expected, discovery):
    platform.add_endpoint("Credit", model=LINEAR)
    platform.add_endpoint("credit", model=LINEAR)
    platform.add_endpoint("shared", components={"a": LINEAR, "b": LINEAR})
    assert await names(discovery(platform.url, discover=wanted)) == expected


async def test_an_excluded_endpoint_costs_no_question(platform, discovery):
    platform.add_endpoint("credit", model=LINEAR)
    assert await names(discovery(platform.url, discover={"exclude": ["credit"]})) == []
    assert platform.requests == {"control": 1}


async def test_details_of_the_configuration_are_merged_in(platform, discovery):
    platform.add_endpoint("credit", model=LINEAR)
    found = await one(discovery(platform.url, endpoints={"credit": {"limits": {"max_rows": 7}}}))
    assert found.limits.max_rows == 7


async def test_an_entry_for_a_part_of_an_endpoint_carries_what_is_found_about_it(platform, discovery):
    platform.add_endpoint("split", variants={"blue": LINEAR, "green": LINEAR})
    platform.add_endpoint("small", model=LINEAR, serverless=True)
    platform.add_endpoint("shared", components={"a": LINEAR, "b": LINEAR})
    entries = {
        "new": {"endpoint": "split", "variant": "green"},
        "old": {"endpoint": "split", "variant": "blue"},
        "mine": {"endpoint": "small", "custom_attributes": "x=1"},
        "shared-b": {"endpoint": "shared", "component": "b"},
    }
    found = discovery(platform.url, discover={"include": ["nothing"]}, endpoints=entries).endpoints
    endpoints = {endpoint.name: endpoint for endpoint in await asyncio.to_thread(found)}
    assert {name: endpoint.asset.name for name, endpoint in endpoints.items()} == {
        "new": "split-model-green",
        "old": "split-model-blue",
        "mine": "small-model",
        "shared-b": "shared-model-b",
    }
    assert endpoints["mine"].limits.max_bytes == MAX_SERVERLESS_BYTES
    assert endpoints["shared-b"].native == {"endpoint": "shared", "component": "b"}
    assert endpoints["new"].rn.endswith("endpoint/split")


async def test_a_name_that_the_configuration_gives_to_another_endpoint_is_left_to_it(platform, discovery):
    platform.add_endpoint("credit", model=LINEAR)
    assert await names(discovery(platform.url, endpoints={"credit": {"endpoint": "other"}})) == []


async def test_descriptions_are_kept_until_the_endpoint_changes(platform, discovery):
    platform.add_endpoint("credit", model=LINEAR)
    seen = discovery(platform.url)
    first = await one(seen)
    asked = platform.requests["control"]
    assert await one(seen) == first
    assert platform.requests["control"] == asked + 1
    platform.add_endpoint("credit", model=LINEAR, model_name="second")
    assert (await one(seen)).asset.name == "second"


async def test_components_that_come_later_are_found(platform, discovery):
    platform.add_endpoint("shared", components={"a": LINEAR})
    seen = discovery(platform.url)
    assert await names(seen) == ["shared/a"]
    platform.add_endpoint("shared", components={"a": LINEAR, "b": LINEAR})
    assert await names(seen) == ["shared/a", "shared/b"]


async def test_an_endpoint_that_cannot_be_described_takes_no_other_down(platform, discovery):
    platform.add_endpoint("a", model=LINEAR)
    platform.add_endpoint("b", model=LINEAR)
    platform.deny("DescribeEndpointConfig", "a-config")
    seen = discovery(platform.url)
    first, second = await asyncio.to_thread(seen.endpoints)
    assert (first.name, first.asset) == ("a", None)
    assert (second.name, second.asset.name) == ("b", "b-model")
    platform.allow()
    assert (await asyncio.to_thread(seen.endpoints))[0].asset.name == "a-model"


async def test_a_configuration_that_cannot_be_described_hides_neither_limits_nor_what_is_asynchronous(
    platform, discovery
):
    platform.add_endpoint("batch", model=LINEAR, asynchronous=True)
    platform.add_endpoint("small", model=LINEAR, serverless=True)
    for name in ("batch", "small"):
        platform.deny("DescribeEndpointConfig", f"{name}-config")
    found = await one(discovery(platform.url))
    assert (found.name, found.limits.max_bytes) == ("small", MAX_SERVERLESS_BYTES)


async def test_an_endpoint_that_cant_be_described_now_delays_the_others_for_a_while_only(platform, discovery):
    platform.add_endpoint("a", components={"x": LINEAR})
    platform.add_endpoint("b", model=LINEAR)
    platform.deny("DescribeEndpoint", "a", code="InternalDependencyException")
    seen = discovery(platform.url)
    for _ in range(MAX_MISSED):
        with pytest.raises(EngineUnavailableError, match="endpoint a can't be described"):
            await names(seen)
    assert await names(seen) == ["a", "b"]
    platform.allow()
    assert await names(seen) == ["a/x", "b"]


async def test_what_was_described_is_kept_over_a_discovery_that_failed(platform, discovery):
    platform.add_endpoint("a", model=LINEAR)
    platform.add_endpoint("b", model=LINEAR)
    platform.deny("DescribeEndpoint", "b", code="InternalDependencyException")
    seen = discovery(platform.url)
    with pytest.raises(EngineUnavailableError):
        await names(seen)
    platform.allow()
    asked = platform.requests["control"]
    assert await names(seen) == ["a", "b"]
    assert platform.requests["control"] == asked + 4  # the listing; endpoint, configuration and model of b alone


async def test_a_discovery_ends_in_time_and_the_next_goes_on(platform, discovery):
    platform.add_endpoint("credit", model=LINEAR)
    seen = discovery(platform.url, seconds=0.0)
    with pytest.raises(EngineUnavailableError, match="not described within 0 seconds"):
        await names(seen)
    assert platform.requests == {"control": 1}


class Clock:
    """Goes on by `step` seconds whenever it is read."""

    def __init__(self):
        self.step = self.now = 0.0

    def __call__(self):
        self.now += self.step
        return self.now


async def test_descriptions_that_were_not_renewed_in_time_stay_as_they_were(platform, discovery):
    for name in "abcde":
        platform.add_endpoint(name, model=LINEAR)
    clock = Clock()
    seen = discovery(platform.url, seconds=3.5, clock=clock)
    assert await names(seen) == list("abcde")
    for name in "abcde":
        platform.add_endpoint(name, model=LINEAR, model_name="second")
    clock.step = 1.0
    renewed = [endpoint.asset.name == "second" for endpoint in await asyncio.to_thread(seen.endpoints)]
    assert sorted(renewed) == [False, False, True, True, True]


async def test_many_endpoints_are_described_a_few_at_a_time(platform, discovery):
    expected = [f"credit-{k:02}" for k in range(30)]
    for name in expected:
        platform.add_endpoint(name, model=LINEAR)
    assert await names(discovery(platform.url)) == expected
    assert platform.requests["control"] == 1 + 3 * len(expected)
    assert platform.most_at_once["control"] <= AT_ONCE


async def test_keys_that_were_renewed_are_found_after_a_refusal(platform, discovery, shared_credentials):
    platform.add_endpoint("credit", model=LINEAR)
    shared_credentials.write_text("[default]\naws_access_key_id = AKIAOLD\naws_secret_access_key = old\n")
    seen = discovery(platform.url, credentials=None, reopen_seconds=0.0)
    with pytest.raises(EngineRefusedError):
        await names(seen)
    shared_credentials.write_text(
        f"[default]\naws_access_key_id = {DEFAULT_KEY.id}\naws_secret_access_key = {DEFAULT_KEY.secret}\n"
    )
    assert await names(seen) == ["credit"]


async def test_an_endpoint_that_cannot_be_described_any_more_stays_as_it_was(platform, discovery):
    platform.add_endpoint("credit", model=LINEAR)
    seen = discovery(platform.url)
    await one(seen)
    platform.add_endpoint("credit", model=LINEAR, model_name="second")
    platform.deny("DescribeEndpoint", "credit")
    assert (await one(seen)).asset.name == "credit-model"
    platform.allow()
    assert (await one(seen)).asset.name == "second"


async def test_a_model_that_cannot_be_described_keeps_its_identity(platform, discovery):
    platform.add_endpoint("credit", model=LINEAR)
    platform.deny("DescribeModel", "credit-model")
    seen = discovery(platform.url)
    denied = (await one(seen)).asset
    platform.allow()
    allowed = (await one(seen)).asset
    assert (denied.id, denied.name, denied.url) == (allowed.id, allowed.name, None)
    assert allowed.url is not None


async def test_the_model_of_a_component_is_asked_for_until_it_is_told(platform, discovery):
    platform.add_endpoint("shared", components={"a": LINEAR})
    platform.deny("DescribeModel", "shared-model")
    seen = discovery(platform.url)
    assert (await one(seen)).asset.url is None
    platform.allow()
    assert (await one(seen)).asset.url is not None
    before = platform.requests["control"]
    await one(seen)
    assert (
        platform.requests["control"] == before + 4
    )  # two listings, endpoint and configuration; no component, no model


async def test_a_component_that_cannot_be_described_is_listed_with_the_others(platform, discovery):
    platform.add_endpoint("shared", components={"a": LINEAR, "b": LINEAR})
    platform.deny("DescribeInferenceComponent", "a")
    first, second = await asyncio.to_thread(discovery(platform.url).endpoints)
    assert (first.name, first.asset) == ("shared/a", None)
    assert (second.name, second.asset.name) == ("shared/b", "shared-model-b")


async def test_an_endpoint_that_is_deleted_between_two_questions_is_gone(platform, discovery):
    platform.add_endpoint("credit", model=LINEAR)
    platform.deny("DescribeEndpoint", "credit", code="ValidationException", message='Could not find endpoint "credit".')
    assert await names(discovery(platform.url)) == []


async def test_a_control_plane_that_throttles_is_asked_three_times_at_most(platform, discovery):
    platform.play(aws_error("ThrottlingException", 400, route="control", times=None))
    with pytest.raises(EngineUnavailableError) as caught:
        await names(discovery(platform.url))
    assert caught.value.retryable
    assert platform.requests == {"control": 3}


async def test_a_control_plane_that_refuses_access_is_reported(platform, discovery):
    platform.play(aws_error("AccessDeniedException", 400, route="control"))
    with pytest.raises(EngineRefusedError, match="listed: AWS refused access"):
        await names(discovery(platform.url))


async def test_a_control_plane_that_goes_away_ends_the_discovery(discovery):
    async with SageMakerEmulator() as platform:
        platform.add_endpoint("credit", model=LINEAR)
        seen = discovery(platform.url)
        await names(seen)
    with pytest.raises(EngineUnavailableError, match="EndpointConnectionError"):
        await names(seen)


async def test_a_stopped_discovery_asks_no_further(platform, discovery):
    platform.add_endpoint("credit", model=LINEAR)
    seen = discovery(platform.url)
    seen.stop()
    with pytest.raises(EngineUnavailableError, match="stopped"):
        await names(seen)
    assert platform.requests == {"control": 1}
