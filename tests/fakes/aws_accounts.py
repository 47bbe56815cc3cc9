"""An AWS account that nobody here wrote: moto's server, filled with AWS's own SDK."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp
import boto3
from msgspec import Struct

from adapters.testing.sagemaker import AccessKey
from tests.fakes.object_stores import moto_server

ROLE = "arn:aws:iam::123456789012:role/sagemaker"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"


class AwsAccount(Struct, frozen=True):
    """An account with SageMaker in us-east-1.

    Attributes:
        url: of its control plane, and of a runtime that answers what it was told to.
        sdk: boto3's client of SageMaker; it blocks.
    """

    url: str
    sdk: Any

    async def create_endpoint(self, name: str) -> None:
        """Create an endpoint of one variant with a linear learner, and what it needs."""
        await asyncio.to_thread(self._create, name)

    def _create(self, name: str) -> None:
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://models/{name}.tar.gz"}
        self.sdk.create_model(ModelName=f"{name}-model", PrimaryContainer=container, ExecutionRoleArn=ROLE)
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": f"{name}-model",
            "InitialInstanceCount": 1,
            "InstanceType": "ml.t2.medium",
            "InitialVariantWeight": 1.0,
        }
        self.sdk.create_endpoint_config(EndpointConfigName=f"{name}-config", ProductionVariants=[variant])
        self.sdk.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config")


@asynccontextmanager
async def aws_account(key: AccessKey) -> AsyncIterator[AwsAccount]:
    """Run an account without anything in it."""
    with moto_server() as url:
        async with aiohttp.ClientSession(raise_for_status=True) as session, session.post(f"{url}/moto-api/reset"):
            pass
        with aws_account_at(url, key) as account:
            yield account


@contextmanager
def aws_account_at(url: str, key: AccessKey) -> Iterator[AwsAccount]:
    """Open an account that is served already."""
    sdk = boto3.client(
        "sagemaker",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
    )
    try:
        yield AwsAccount(url, sdk)
    finally:
        sdk.close()
