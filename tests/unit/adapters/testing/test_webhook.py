import base64
import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from adapters.sinks.webhook import signature
from adapters.testing.conformance.records import in_seconds
from adapters.testing.webhook import WebhookReceiver
from gateway.transport import HttpTransport

KEY = bytes(range(32))
EVENT = {
    "specversion": "1.0",
    "id": "a",
    "source": "/gateway",
    "type": "payload",
    "subject": "credit-risk",
    "time": "2026-11-21T10:00:00.123456Z",
    "datacontenttype": "application/json",
    "data": {},
}


class Sender:
    def __init__(self, receiver: WebhookReceiver, transport: HttpTransport) -> None:
        self.receiver, self.transport = receiver, transport

    async def post(self, body: bytes, *, key: bytes = KEY, age: int = 0, **headers: str) -> int:
        timestamp = str(int(time.time()) - age)
        signed = {
            "Content-Type": "application/cloudevents-batch+json",
            "X-Api-Key": "right",
            "webhook-id": "msg_1",
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(key, "msg_1", timestamp, body),
        }
        signed.update({name.replace("_", "-"): value for name, value in headers.items()})
        url = self.receiver.events_url
        return (await self.transport.request("POST", url, headers=signed, body=body, deadline=in_seconds(10))).status


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    secret = f"whsec_{base64.b64encode(KEY).decode()}"
    async with WebhookReceiver(secret=secret, headers={"X-Api-Key": "right"}) as receiver, HttpTransport() as transport:
        yield Sender(receiver, transport)


async def test_an_event_is_kept_once_however_often_it_comes(sender: Sender) -> None:
    assert await sender.post(msgspec.json.encode([EVENT])) == 204
    assert await sender.post(msgspec.json.encode([EVENT, EVENT | {"id": "b"}])) == 204
    assert [event.id for event in sender.receiver.events] == ["a", "b"]


async def test_what_is_not_signed_by_the_secret_or_is_old_is_unauthorized(sender: Sender) -> None:
    body = msgspec.json.encode([EVENT])
    assert await sender.post(body, key=bytes(32)) == 401
    assert await sender.post(body, age=301) == 401
    assert await sender.post(body, webhook_id="msg_2") == 401
    assert await sender.post(body, webhook_timestamp="soon") == 401
    assert sender.receiver.events == []


async def test_one_right_signature_among_several_is_enough(sender: Sender) -> None:
    body, timestamp = msgspec.json.encode([EVENT]), str(int(time.time()))
    both = f"{signature(bytes(32), 'msg_1', timestamp, body)} {signature(KEY, 'msg_1', timestamp, body)}"
    assert await sender.post(body, webhook_timestamp=timestamp, webhook_signature=both) == 204


async def test_a_missing_header_is_forbidden_and_another_media_type_not_supported(sender: Sender) -> None:
    body = msgspec.json.encode([EVENT])
    assert await sender.post(body, **{"X-Api-Key": "wrong"}) == 403
    assert await sender.post(body, **{"Content-Type": "application/json"}) == 415


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'[{"id": "a"}]', msgspec.json.encode([EVENT | {"specversion": "0.3"}])]
)
async def test_what_is_no_batch_of_events_is_a_bad_request(sender: Sender, body: bytes) -> None:
    assert await sender.post(body) == 400
