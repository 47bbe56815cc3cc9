import asyncio
import logging
import sys
from collections.abc import AsyncIterator

import msgspec
import pytest

from adapters.sinks.object_store.s3 import S3Store
from adapters.sinks.object_store.settings import Place, S3Settings
from adapters.testing.conformance.records import CANARY
from adapters.testing.emulator import Fault
from schemas.errors import MissingExtraError, SinkRefusedError, SinkUnavailableError
from tests.fakes.object_stores import S3_KEYS, S3Relay, s3


@pytest.fixture
async def relay() -> AsyncIterator[S3Relay]:
    async with s3() as relay:
        yield relay


def store(relay: S3Relay, *, bucket: str | None = None) -> S3Store:
    settings = {
        "region": "us-east-1",
        "endpoint_url": relay.url,
        "credentials": {"access_key_id": S3_KEYS[0], "secret_access_key": S3_KEYS[1]},
    }
    return S3Store(Place("s3", bucket or relay.bucket, "a/"), msgspec.convert(settings, S3Settings))


async def put(s3: S3Store, name: str = "p/1-2-2.jsonl", body: bytes = b"body") -> None:
    await asyncio.to_thread(s3.put, name, body, "application/jsonlines")


async def test_an_object_lies_below_the_prefix_and_is_found_by_its_beginning(relay: S3Relay) -> None:
    bucket = store(relay)
    await put(bucket)
    assert await asyncio.to_thread(relay.objects) == {"a/p/1-2-2.jsonl": b"body"}
    assert await asyncio.to_thread(bucket.names, "p/1-") == ["p/1-2-2.jsonl"]
    assert await asyncio.to_thread(bucket.names, "p/2-") == []


async def test_an_object_is_one_request(relay: S3Relay) -> None:
    await put(store(relay), body=b"x" * 20_000_000)
    assert relay.requests["store"] == 1


async def test_a_bucket_that_may_not_be_listed_holds_nothing_as_far_as_is_known(relay: S3Relay) -> None:
    relay.play(Fault(route="other", status=403))
    assert await asyncio.to_thread(store(relay).names, "p/1-") == ()


async def test_all_objects_are_listed_page_by_page_and_read_back(relay: S3Relay) -> None:
    bucket, names = store(relay), [f"p/{n}-{n}-1.jsonl" for n in range(5)]
    for name in names:
        await put(bucket, name, name.encode())
    await put(bucket, "q/1-1-1.jsonl")
    relay.page_keys = 2
    assert await asyncio.to_thread(lambda: list(bucket.all_names("p/"))) == names
    assert [await asyncio.to_thread(bucket.get, name) for name in names] == [name.encode() for name in names]
    assert await asyncio.to_thread(bucket.get, "p/no-such-1.jsonl") is None


async def test_who_may_not_list_or_read_is_told_which_right_is_missing(relay: S3Relay) -> None:
    await put(store(relay))
    relay.play(Fault(route="other", times=2, status=403))
    with pytest.raises(SinkUnavailableError, match=r"does not list objects.*s3:ListBucket"):
        await asyncio.to_thread(lambda: list(store(relay).all_names("p/")))
    with pytest.raises(SinkUnavailableError, match=r"does not give the object back.*s3:GetObject"):
        await asyncio.to_thread(store(relay).get, "p/1-2-2.jsonl")


async def test_a_listing_that_fails_otherwise_is_unavailable(relay: S3Relay) -> None:
    relay.play(Fault(route="other", status=500))
    with pytest.raises(SinkUnavailableError):
        await asyncio.to_thread(store(relay).names, "p/1-")


async def test_a_bucket_that_does_not_exist_is_named_as_the_fault(relay: S3Relay) -> None:
    with pytest.raises(SinkUnavailableError, match="the bucket does not exist"):
        await put(store(relay, bucket="nowhere"))


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (301, "PermanentRedirect", "another region"),
        (403, "AccessDenied", "s3:PutObject"),
        (403, "SignatureDoesNotMatch", "secret key is wrong"),
        (400, "ExpiredToken", "have expired"),
        (400, "InvalidRequest", "check `url` and `s3`"),
        (503, "SlowDown", "down or throttles"),
    ],
)
async def test_a_refusal_of_the_store_costs_no_record_and_says_what_to_do(
    relay: S3Relay, status: int, code: str, advice: str
) -> None:
    body = f"<Error><Code>{code}</Code><Message>{CANARY}</Message></Error>".encode()
    relay.play(Fault(route="store", times=None, status=status, body=body, content_type="application/xml"))
    with pytest.raises(SinkUnavailableError) as caught:
        await put(store(relay))
    assert advice in caught.value.message
    assert code in caught.value.message
    assert CANARY not in caught.value.message


async def test_a_store_that_throttles_says_how_long_to_wait(relay: S3Relay) -> None:
    relay.play(Fault(route="store", status=503, headers={"Retry-After": "7"}))
    with pytest.raises(SinkUnavailableError) as caught:
        await put(store(relay))
    assert caught.value.retry_after == 7
    assert relay.requests["store"] == 1


async def test_an_object_that_is_too_large_is_refused(relay: S3Relay) -> None:
    body = b"<Error><Code>EntityTooLarge</Code></Error>"
    relay.play(Fault(route="store", status=400, body=body, content_type="application/xml"))
    with pytest.raises(SinkRefusedError):
        await put(store(relay))


async def test_neither_body_nor_key_is_logged(relay: S3Relay, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await put(store(relay), body=CANARY.encode())
    assert CANARY not in caplog.text
    assert S3_KEYS[1] not in caplog.text


async def test_without_boto3_the_message_says_what_to_install(relay: S3Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(MissingExtraError, match=r"openscale-gateway\[object_store\]"):
        store(relay)
