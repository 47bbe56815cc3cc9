import pytest

from adapters.sinks.object_store.stores import Answer, refusal
from schemas.errors import SinkRefusedError, SinkUnavailableError


def refused(**members: object) -> Exception:
    return refusal(Answer(**members), what="S3", advice=lambda _: "check `s3`", now=0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", [{"status": 413}, {"status": 400, "code": "EntityTooLarge"}])
def test_only_size_is_a_records_fault(answer: dict[str, object]) -> None:
    assert isinstance(refused(**answer), SinkRefusedError)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 412])
def test_anything_else_is_to_be_put_right_and_costs_no_record(status: int) -> None:
    error = refused(status=status, code="SomeCode")
    assert isinstance(error, SinkUnavailableError)
    assert error.message == f"S3 does not store the object (status {status}, SomeCode): check `s3`."


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_store_that_is_down_or_throttles_may_say_how_long_to_wait(status: int) -> None:
    error = refused(status=status, headers={"retry-after": "7"})
    assert isinstance(error, SinkUnavailableError)
    assert error.retry_after == 7
    assert "down or throttles" in error.message


@pytest.mark.parametrize("code", ["", "not an identifier", "x" * 65])
def test_only_identifiers_are_repeated(code: str) -> None:
    assert str(refused(status=400, code=code)) == "S3 does not store the object (status 400): check `s3`."
