import asyncio
import logging
import sys
from collections.abc import AsyncIterator

import msgspec
import pytest

from adapters.sinks.object_store.azure_blob import AzureStore
from adapters.sinks.object_store.settings import AzureSettings, Place
from adapters.testing.conformance.records import CANARY
from adapters.testing.emulator import Fault
from schemas.errors import MissingExtraError, SinkRefusedError, SinkUnavailableError
from tests.fakes.object_stores import AZURE_KEY, AzureBlobs

SAS = "sv=2026-02-06&sp=rcwl&sig=very%2Dsecret%2Dsignature"


@pytest.fixture
async def blobs() -> AsyncIterator[AzureBlobs]:
    async with AzureBlobs() as blobs:
        yield blobs


def store(blobs: AzureBlobs, **credentials: str) -> AzureStore:
    settings = {"account_url": f"{blobs.url}/account", **(credentials or {"account_key": AZURE_KEY})}
    return AzureStore(Place("azure", "records", "a/"), msgspec.convert(settings, AzureSettings))


async def put(container: AzureStore, name: str = "p/1-2-2.jsonl", body: bytes = b"body") -> None:
    await asyncio.to_thread(container.put, name, body, "application/jsonlines")


@pytest.mark.parametrize("credentials", [{"account_key": AZURE_KEY}, {"sas_token": SAS}])
async def test_a_blob_lies_below_the_prefix_and_is_found_by_its_beginning(
    blobs: AzureBlobs, credentials: dict[str, str]
) -> None:
    container = store(blobs, **credentials)
    await put(container)
    assert blobs.blobs == {"a/p/1-2-2.jsonl": b"body"}
    assert await asyncio.to_thread(container.names, "p/1-") == ["p/1-2-2.jsonl"]
    assert await asyncio.to_thread(container.names, "p/2-") == []


async def test_a_blob_is_one_request(blobs: AzureBlobs) -> None:
    await put(store(blobs), body=b"x" * 20_000_000)
    assert blobs.requests["store"] == 1


async def test_a_container_that_may_not_be_listed_holds_nothing_as_far_as_is_known(blobs: AzureBlobs) -> None:
    blobs.play(Fault(route="other", status=403))
    assert await asyncio.to_thread(store(blobs).names, "p/1-") == ()


async def test_all_blobs_are_listed_and_read_back(blobs: AzureBlobs) -> None:
    container = store(blobs)
    await put(container)
    assert await asyncio.to_thread(lambda: list(container.all_names("p/"))) == ["p/1-2-2.jsonl"]
    assert await asyncio.to_thread(container.get, "p/1-2-2.jsonl") == b"body"
    assert await asyncio.to_thread(container.get, "p/no-such-1.jsonl") is None


async def test_a_listing_that_fails_otherwise_is_unavailable(blobs: AzureBlobs) -> None:
    blobs.play(Fault(route="other", status=500))
    with pytest.raises(SinkUnavailableError):
        await asyncio.to_thread(store(blobs).names, "p/1-")


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (404, "ContainerNotFound", "the container does not exist"),
        (403, "AuthenticationFailed", "not valid"),
        (403, "AuthorizationPermissionMismatch", "Storage Blob Data Contributor"),
        (401, "NoAuthenticationInformation", "do not allow it"),
        (409, "BlobImmutableDueToPolicy", "check `url`"),
        (503, "ServerBusy", "down or throttles"),
    ],
)
async def test_a_refusal_of_the_store_costs_no_record_and_says_what_to_do(
    blobs: AzureBlobs, status: int, code: str, advice: str
) -> None:
    headers = {"x-ms-error-code": code, "Retry-After": "7"}
    blobs.play(Fault(route="store", status=status, headers=headers, body=CANARY.encode()))
    with pytest.raises(SinkUnavailableError) as caught:
        await put(store(blobs))
    assert advice in caught.value.message
    assert code in caught.value.message
    assert caught.value.retry_after == 7
    assert CANARY not in caught.value.message
    assert blobs.requests["store"] == 1


async def test_a_blob_that_is_too_large_is_refused(blobs: AzureBlobs) -> None:
    blobs.play(Fault(route="store", status=413))
    with pytest.raises(SinkRefusedError):
        await put(store(blobs))


async def test_neither_body_nor_credential_is_logged(blobs: AzureBlobs, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await put(store(blobs, sas_token=SAS), body=CANARY.encode())
    await put(store(blobs), body=CANARY.encode())
    for forbidden in (CANARY, AZURE_KEY, "very%2Dsecret", "very-secret"):
        assert forbidden not in caplog.text


async def test_without_the_sdk_the_message_says_what_to_install(
    blobs: AzureBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "azure.storage.blob", None)
    with pytest.raises(MissingExtraError, match=r"openscale-gateway\[object_store\]"):
        store(blobs)
