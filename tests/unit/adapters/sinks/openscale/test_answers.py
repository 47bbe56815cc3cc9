import msgspec
import pytest

from adapters.base import Response
from adapters.sinks.openscale.answers import check_taken, request_id, row_ids, settlement
from schemas.errors import SinkRefusedError, SinkUnavailableError

SECRET = "quoted payload value"


def taken(location: str, status: int = 202) -> Response:
    return Response(status, {"location": location}, b'{"state":"preparing"}')


@pytest.mark.parametrize(
    "location",
    [
        "/v2/data_sets/ds/requests/r-1",
        "https://cluster.example/openscale/guid/v2/data_sets/ds/requests/r-1",
        "/v2/data_sets/ds/requests/r-1/",
        "/v2/data_sets/ds/requests/r-1?project_id=p",
        "r-1",
        "/v2/data_sets/ds/requests/r%2D1",
    ],
)
def test_the_request_id_is_the_last_segment_of_the_location(location: str) -> None:
    assert request_id(taken(location), "data_sets.a") == "r-1"


@pytest.mark.parametrize("response", [taken(""), taken("/"), Response(202, {}, b""), Response(204, {}, b"")])
def test_records_that_nobody_can_ask_for_later_are_not_taken(response: Response) -> None:
    with pytest.raises(SinkUnavailableError, match="without a Location") as caught:
        request_id(response, "data_sets.a")
    assert caught.value.target == "data_sets.a"


def error_body(code: str) -> bytes:
    return msgspec.json.encode({"trace": "t", "errors": [{"code": code, "message": SECRET}]})


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_names_status_and_code_and_quotes_nothing(status: int) -> None:
    with pytest.raises(SinkRefusedError) as caught:
        request_id(Response(status, {}, error_body("AIQDD0003E")), "data_sets.a")
    assert f"status {status}, AIQDD0003E" in caught.value.message
    assert SECRET not in caught.value.message


@pytest.mark.parametrize("status", [302, 401, 403, 404, 405, 409, 429, 500, 503])
def test_any_other_answer_leaves_the_records_with_us(status: int) -> None:
    response = Response(status, {"retry-after": "9"}, error_body(SECRET))
    with pytest.raises(SinkUnavailableError) as caught:
        request_id(response, "data_sets.a")
    assert caught.value.retry_after == 9
    assert f"status {status})" in caught.value.message


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"\xff", b'{"errors": null}', b'{"errors": [{"code": 7}]}', b'{"a":' * 5000]
)
def test_an_error_body_of_another_shape_does_no_harm(body: bytes) -> None:
    with pytest.raises(SinkRefusedError, match="status 400"):
        request_id(Response(400, {}, body), "data_sets.a")


@pytest.mark.parametrize("status", [200, 201, 409, 500])
def test_only_the_named_statuses_say_that_records_were_taken(status: int) -> None:
    check_taken(Response(202, {}, b""), "subscriptions.a", statuses={202, 204})
    with pytest.raises(SinkUnavailableError, match=f"status {status}"):
        check_taken(Response(status, {}, b""), "subscriptions.a", statuses={202, 204})


def state(**members: object) -> Response:
    return Response(200, {}, msgspec.json.encode(members))


def test_an_active_request_is_stored() -> None:
    assert settlement(state(state="active")).state == "stored"


@pytest.mark.parametrize("name", ["preparing", "deleting", "pending_delete", "disabled", "unheard_of"])
def test_a_request_in_any_other_state_is_not_settled_yet(name: str) -> None:
    assert settlement(state(state=name)).state == "not_yet"


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        ({"trace": "t", "errors": [{"code": "AIQDD0003E", "message": SECRET}]}, ", AIQDD0003E)"),
        ({"errors": [{"code": SECRET, "message": SECRET}]}, "(state error)"),
        (SECRET, "(state error)"),
        (None, "(state error)"),
    ],
)
def test_a_request_in_error_has_failed_for_a_reason_that_quotes_nothing(failure: object, code: str) -> None:
    outcome = settlement(state(state="error", failure=failure))
    assert outcome.state == "failed"
    assert code in (outcome.reason or "")
    assert SECRET not in (outcome.reason or "")


@pytest.mark.parametrize("name", ["failure", "failed", "cancelled", "canceled"])
def test_what_the_sdk_takes_for_a_failure_is_one(name: str) -> None:
    outcome = settlement(state(state=name))
    assert (outcome.state, name in (outcome.reason or "")) == ("failed", True)


def test_an_error_without_a_failure_has_failed() -> None:
    assert settlement(state(state="error")).state == "failed"


def test_a_forgotten_request_has_failed_so_that_its_records_come_again() -> None:
    assert settlement(Response(404, {}, b"")).state == "failed"


@pytest.mark.parametrize("status", [204, 302, 401, 403, 429, 500])
def test_an_answer_without_a_state_does_not_tell(status: int) -> None:
    with pytest.raises(SinkUnavailableError):
        settlement(Response(status, {}, b""))


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"{}", b'{"state": 1}', b'{"a":' * 5000])
def test_a_body_without_a_state_does_not_tell(body: bytes) -> None:
    with pytest.raises(SinkUnavailableError):
        settlement(Response(200, {}, body))


def test_a_page_of_records_yields_the_row_ids() -> None:
    body = b'{"records": [{"fields": ["scoring_id"], "values": [["a-1"], ["a.2-1"]]}]}'
    assert row_ids(Response(200, {}, body), "data_sets.a") == ["a-1", "a.2-1"]
    assert row_ids(Response(200, {}, b'{"records": [{"fields": [], "values": []}]}'), "data_sets.a") == []


@pytest.mark.parametrize("response", [Response(200, {}, b"<html>"), Response(200, {}, b"{}"), Response(503, {}, b"")])
def test_what_is_no_page_of_records_is_not_taken_for_an_empty_one(response: Response) -> None:
    with pytest.raises(SinkUnavailableError):
        row_ids(response, "data_sets.a")
