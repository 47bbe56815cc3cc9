from collections.abc import AsyncIterator, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from adapters.testing.sagemaker import LinearLearner, SageMakerEmulator


@pytest.fixture(autouse=True)
def shared_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Leave nothing of the AWS chain but a shared credentials file, which a test may write."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "DEFAULT_PROFILE", "REGION"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("CONTAINER_CREDENTIALS_RELATIVE_URI", "CONTAINER_CREDENTIALS_FULL_URI", "WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    path = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return path


@pytest.fixture
async def emulator() -> AsyncIterator[SageMakerEmulator]:
    async with SageMakerEmulator() as emulator:
        emulator.add_endpoint("credit", model=LinearLearner(weights=(0.0, 0.0)))
        yield emulator


@pytest.fixture
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    connection = HTTPConnection(host, port)
    connection.request("POST", "/moto-api/reset")
    assert connection.getresponse().status == 200
    connection.close()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto_client(moto_url: str) -> Iterator[Any]:
    client = boto3.client(
        "sagemaker",
        region_name="us-east-1",
        endpoint_url=moto_url,
        aws_access_key_id="AKID",
        aws_secret_access_key="secret",
    )
    yield client
    client.close()
