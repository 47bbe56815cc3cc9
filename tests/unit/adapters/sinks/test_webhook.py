import base64
from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.base import RecordFilter
from adapters.sinks.webhook import EVENT_TYPE, WebhookSettings, connect, signature, signing_key
from adapters.testing.conformance.records import DEPLOYMENT, batch_of, in_seconds, payload_record
from adapters.testing.emulator import Fault
from adapters.testing.webhook import WebhookReceiver
from gateway.transport import HttpTransport
from schemas.errors import SinkUnavailableError

SECRET = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"
BASE = {"type": "webhook", "url": "https://receiver.example/events?code=1", "secret": SECRET}


def settings_of(**members: object) -> WebhookSettings:
    return msgspec.convert({**BASE, **members}, WebhookSettings)


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver(secret=SECRET) as receiver:
        yield receiver


async def test_a_record_is_one_event_with_the_record_as_it_is_in_its_data(
    receiver: WebhookReceiver, transport: HttpTransport
) -> None:
    record = payload_record(2, meta=True)
    settings = settings_of(url=f"{receiver.events_url}?code=1", source="//gateway.example/eu")
    async with connect(settings, transport) as sink:
        await sink.send(batch_of([record], ""), deadline=in_seconds(10))
    (event,) = receiver.events
    assert (event.id, event.subject, event.time) == (record.scoring_id, DEPLOYMENT, record.scoring_timestamp)
    assert (event.type, event.source) == (EVENT_TYPE, "//gateway.example/eu")
    assert event.data == msgspec.json.decode(record.encode())


async def test_the_same_records_are_the_same_message_and_others_another(
    receiver: WebhookReceiver, transport: HttpTransport
) -> None:
    first, second = payload_record(), payload_record()
    async with connect(settings_of(url=receiver.events_url), transport) as sink:
        for records in ([first], [first, second], [first]):
            await sink.send(batch_of(records, ""), deadline=in_seconds(10))
    once, other, again = receiver.taken
    assert once == again != other
    assert [event.id for event in receiver.events] == [first.scoring_id, second.scoring_id]


async def test_a_receiver_with_another_secret_is_unavailable_and_the_message_says_what_to_check(
    receiver: WebhookReceiver, transport: HttpTransport
) -> None:
    settings = settings_of(url=receiver.events_url, secret=f"whsec_{base64.b64encode(bytes(24)).decode()}")
    async with connect(settings, transport) as sink:
        with pytest.raises(SinkUnavailableError, match=r"status 401.*check `secret`"):
            await sink.send(batch_of([payload_record()], ""), deadline=in_seconds(10))
    assert receiver.events == []


@pytest.mark.parametrize(
    ("status", "words"),
    [(301, "behind any redirect"), (403, "check `secret`"), (404, "check that `url`"), (410, "gone for good")],
)
async def test_a_fault_of_the_configuration_costs_no_record_and_says_what_to_check(
    receiver: WebhookReceiver, transport: HttpTransport, status: int, words: str
) -> None:
    receiver.play(Fault(route="events", status=status))
    async with connect(settings_of(url=receiver.events_url), transport) as sink:
        with pytest.raises(SinkUnavailableError, match=f"status {status}.*{words}"):
            await sink.send(batch_of([payload_record()], ""), deadline=in_seconds(10))


async def test_an_answer_without_end_does_not_count_as_stored(
    receiver: WebhookReceiver, transport: HttpTransport
) -> None:
    receiver.play(Fault(route="events", status=200, body=b"x" * 1_000_001))
    async with connect(settings_of(url=receiver.events_url), transport) as sink:
        with pytest.raises(SinkUnavailableError):
            await sink.send(batch_of([payload_record()], ""), deadline=in_seconds(10))


def test_signatures_are_those_of_standard_webhooks() -> None:
    """Key, message and signature were checked with the library standardwebhooks 1.1.0."""
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}') == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_is_the_key_in_base64_behind_its_prefix(key: bytes) -> None:
    assert signing_key(f"whsec_{base64.b64encode(key).decode()}") == key


@pytest.mark.parametrize(
    "secret",
    [
        "correct horse battery staple",
        SECRET.removeprefix("whsec_"),
        "whsec_",
        "whsec_c2hvcnQ=",
        f"{SECRET}!",
        "whsec_ü",
    ],
)
def test_a_secret_that_is_no_key_is_refused_without_being_quoted(secret: str) -> None:
    with pytest.raises(ValueError, match="openssl rand") as caught:
        settings_of(secret=secret)
    assert secret not in str(caught.value).removeprefix("`secret` must be `whsec_`") or secret == "whsec_"


@pytest.mark.parametrize("name", ["Webhook-Signature", "webhook-id", "content-type", "Bad Name"])
def test_a_header_that_is_set_here_or_can_t_be_sent_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        settings_of(headers={name: "value"})


@pytest.mark.parametrize("url", ["receiver.example", "https://user:word@receiver.example/", "https://receiver/#part"])
def test_a_url_that_is_no_address_of_a_receiver_is_refused(url: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        settings_of(url=url)


async def test_it_takes_what_its_settings_ask_for(transport: HttpTransport) -> None:
    async with connect(settings_of(), transport) as sink:
        assert sink.filter == RecordFilter()
    async with connect(settings_of(origins=["application"], outcomes=["scored", "engine_error"]), transport) as sink:
        assert sink.filter == RecordFilter(
            origins=frozenset({"application"}), outcomes=frozenset({"scored", "engine_error"})
        )
        other = replace(payload_record(), deployment_id="other")
        assert sink.partition(payload_record()) == sink.partition(other)
