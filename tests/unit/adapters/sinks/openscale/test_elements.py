import msgspec
import pytest
from msgspec.structs import replace

from adapters.sinks.openscale.elements import Encode, encode_record, scoring_payload_encoder
from adapters.sinks.openscale.settings import Subscription
from adapters.testing.conformance.records import payload_record
from schemas.payload import PayloadRecord

V1 = scoring_payload_encoder(Subscription(binding_id="b1", subscription_id="s1"))


def element(record: PayloadRecord, encode: Encode) -> dict[str, object]:
    return msgspec.json.decode(encode(record, record.scoring_id, record.request, record.response))


def test_an_element_of_api_v2_has_exactly_the_documented_members() -> None:
    record = payload_record(2, scoring_id="5f0c")
    assert element(record, encode_record) == {
        "scoring_id": "5f0c",
        "scoring_timestamp": "2026-11-21T10:00:00.123456Z",
        "request": msgspec.json.decode(record.request),
        "response": msgspec.json.decode(record.response),
        "multiple_records": True,
        "response_time": 42,
        "user_id": "loans-app",
    }


def test_an_element_of_api_v1_has_exactly_the_documented_members() -> None:
    record = payload_record(2, scoring_id="5f0c")
    assert element(record, V1) == {
        "binding_id": "b1",
        "subscription_id": "s1",
        "deployment_id": record.deployment_id,
        "scoring_id": "5f0c",
        "scoring_timestamp": "2026-11-21T10:00:00.123456Z",
        "request": msgspec.json.decode(record.request),
        "response": msgspec.json.decode(record.response),
        "response_time": 42,
    }


def test_a_subscription_that_calls_its_deployment_otherwise_is_obeyed() -> None:
    encode = scoring_payload_encoder(Subscription(binding_id="b1", subscription_id="s1", deployment_id="d1"))
    assert element(payload_record(), encode)["deployment_id"] == "d1"


@pytest.mark.parametrize("encode", [encode_record, V1], ids=["v2", "v1"])
def test_an_unknown_caller_and_an_unknown_duration_are_left_out(encode: Encode) -> None:
    bare = element(replace(payload_record(), caller=None, response_time=None), encode)
    assert {"user_id", "response_time"}.isdisjoint(bare)
