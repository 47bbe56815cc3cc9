from datetime import UTC, datetime, timedelta, timezone
from hashlib import md5

import msgspec

from adapters.engines.sagemaker.endpoints import (
    MAX_BYTES,
    MAX_SERVERLESS_BYTES,
    Found,
    Model,
    configured_endpoints,
    discovered_endpoint,
    target_headers,
)
from adapters.engines.sagemaker.settings import SageMakerEndpointSettings, SageMakerSettings
from schemas.deployment import Asset, Limits

CREATED = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone(timedelta(hours=2)))
FOUND = Found(
    endpoint="credit",
    arn="arn:aws:sagemaker:us-east-1:123456789012:endpoint/credit",
    created_at=CREATED,
    modified_at=datetime(2026, 1, 3, tzinfo=UTC),
)


def details(**options):
    return msgspec.convert(options, SageMakerEndpointSettings)


def test_a_found_endpoint_carries_dates_in_utc_and_its_arn():
    endpoint = discovered_endpoint(FOUND, details())
    assert endpoint.created_at == "2026-01-02T01:04:05.678Z"
    assert endpoint.modified_at == "2026-01-03T00:00:00.000Z"
    assert endpoint.rn == FOUND.arn
    assert endpoint.asset is None
    assert endpoint.native == {"endpoint": "credit"}


def test_the_asset_is_identified_as_openscale_does():
    model = Model(name="Credit-Model", arn="arn:model", url="s3://bucket/model.tar.gz", created_at=CREATED)
    endpoint = discovered_endpoint(msgspec.structs.replace(FOUND, model=model), details())
    assert endpoint.asset == Asset(
        id=md5(b"Credit-Model", usedforsecurity=False).hexdigest(),
        name="Credit-Model",
        url="s3://bucket/model.tar.gz",
        rn="arn:model",
        created_at="2026-01-02T01:04:05.678Z",
        revision=str(int(datetime(2026, 1, 3, tzinfo=UTC).timestamp()) * 1000),
    )


def test_limits_are_those_of_the_platform_unless_configured():
    serverless = msgspec.structs.replace(FOUND, serverless=True)
    assert discovered_endpoint(FOUND, details()).limits == Limits(max_bytes=MAX_BYTES)
    assert discovered_endpoint(serverless, details()).limits == Limits(max_bytes=MAX_SERVERLESS_BYTES)
    limits = {"max_bytes": 1000, "max_rows": 10, "max_parallel": 2}
    assert discovered_endpoint(serverless, details(limits=limits)).limits == Limits(**limits)


def test_a_component_is_named_below_its_endpoint():
    endpoint = discovered_endpoint(msgspec.structs.replace(FOUND, component="blue"), details())
    assert endpoint.name == "credit/blue"
    assert endpoint.native == {"endpoint": "credit", "component": "blue"}


def test_configured_names_stand_for_endpoints_components_and_models_behind_one_endpoint():
    entries = {"plain": {}, "credit/blue": {}, "loans": {"endpoint": "many", "target_model": "loans.tar.gz"}}
    config = {"type": "sagemaker", "region": "us-east-1", "endpoints": entries}
    natives = {
        endpoint.name: endpoint.native for endpoint in configured_endpoints(msgspec.convert(config, SageMakerSettings))
    }
    assert natives == {
        "plain": {"endpoint": "plain"},
        "credit/blue": {"endpoint": "credit", "component": "blue"},
        "loans": {"endpoint": "many"},
    }


def test_every_choice_has_its_header():
    entry = details(
        variant="v", component="c", target_model="m.tar.gz", container="h", custom_attributes="tfs-model-name=credit"
    )
    assert target_headers(entry) == {
        "x-amzn-sagemaker-target-variant": "v",
        "x-amzn-sagemaker-inference-component": "c",
        "x-amzn-sagemaker-target-model": "m.tar.gz",
        "x-amzn-sagemaker-target-container-hostname": "h",
        "x-amzn-sagemaker-custom-attributes": "tfs-model-name=credit",
    }
    assert target_headers(details()) == {}
