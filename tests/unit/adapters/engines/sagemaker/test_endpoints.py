from datetime import UTC, datetime, timedelta, timezone
from hashlib import md5

import msgspec
import pytest

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


def discovered(entry, **changes):
    found = msgspec.structs.replace(FOUND, **changes)
    return discovered_endpoint(found, found.name, entry)


def test_a_found_endpoint_carries_dates_in_utc_and_its_arn():
    endpoint = discovered(details())
    assert endpoint.created_at == "2026-01-02T01:04:05.678Z"
    assert endpoint.modified_at == "2026-01-03T00:00:00.000Z"
    assert endpoint.rn == FOUND.arn
    assert endpoint.asset is None
    assert endpoint.native == {"endpoint": "credit"}


def test_the_asset_is_identified_as_openscale_does():
    model = Model(name="Credit-Model", arn="arn:model", url="s3://bucket/model.tar.gz", created_at=CREATED)
    endpoint = discovered(details(), model=model)
    assert endpoint.asset == Asset(
        id=md5(b"Credit-Model", usedforsecurity=False).hexdigest(),
        name="Credit-Model",
        url="s3://bucket/model.tar.gz",
        rn="arn:model",
        created_at="2026-01-02T01:04:05.678Z",
        revision=str(int(datetime(2026, 1, 3, tzinfo=UTC).timestamp()) * 1000),
    )


MANY = Model(name="many", arn="arn:model", url="s3://bucket/models/")


@pytest.mark.parametrize(
    ("entry", "name", "url"),
    [
        ({}, "many", "s3://bucket/models/"),
        ({"target_model": "loans.tar.gz"}, "many/loans.tar.gz", "s3://bucket/models/loans.tar.gz"),
        ({"container": "second"}, "many/second", None),
        ({"variant": "green"}, "next", None),
        ({"variant": "unknown"}, "many", "s3://bucket/models/"),
    ],
)
def test_what_stands_behind_one_name_of_sagemaker_is_an_asset_of_its_own(entry, name, url):
    asset = discovered(details(**entry), model=MANY, variants={"green": Model(name="next")}).asset
    assert (asset.name, asset.url) == (name, url)
    assert asset.id == md5(name.encode(), usedforsecurity=False).hexdigest()


def test_what_was_not_described_is_left_out():
    endpoint = discovered(details(), arn=None, created_at=None, modified_at=None, model=Model(name="m"))
    assert (endpoint.rn, endpoint.created_at, endpoint.modified_at, endpoint.asset.revision) == (None,) * 4


def test_limits_are_those_of_the_platform_unless_configured():
    assert discovered(details()).limits == Limits(max_bytes=MAX_BYTES)
    assert discovered(details(), serverless=True).limits == Limits(max_bytes=MAX_SERVERLESS_BYTES)
    limits = {"max_bytes": 1000, "max_rows": 10, "max_parallel": 2}
    assert discovered(details(limits=limits), serverless=True).limits == Limits(**limits)


def test_a_component_is_named_below_its_endpoint():
    endpoint = discovered(details(), component="blue")
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
