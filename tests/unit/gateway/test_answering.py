"""Answers in the caller's form, beside records in fields/values."""

import pytest
from msgspec import json

from adapters.base import NativeResponse
from gateway.answering import Scored, answer_fields_values, answer_native
from gateway.payloadlog.call_record import Unlogged
from schemas.scoring import ParsedBody, ScoringRequest, ScoringResponse

RESPONSE = ScoringResponse(["prediction"], [[1], [2], [3]])


class Noted(Unlogged):
    text = b""

    def answered(self, response: ScoringResponse, text: bytes) -> None:
        self.text = text


@pytest.mark.parametrize(
    ("parts", "wrapped"),
    [(None, None), ((3,), [[[1], [2], [3]]]), ((2, 0, 1), [[[1], [2]], [], [[3]]])],
)
def test_rows_are_answered_as_they_were_wrapped(
    parts: tuple[int, ...] | None, wrapped: list[list[list[int]]] | None
) -> None:
    record = Noted()
    answer = answer_fields_values(ParsedBody(ScoringRequest([[1], [2], [3]]), parts), record, RESPONSE, ())
    plain = {"fields": ["prediction"], "values": [[1], [2], [3]]}
    assert json.decode(record.text) == plain
    assert json.decode(answer.body) == (
        plain if wrapped is None else {"predictions": [{"fields": ["prediction"], "values": rows} for rows in wrapped]}
    )
    assert answer.content_type == "application/json"


@pytest.mark.parametrize(
    ("announced", "answered"),
    [
        ("text/csv; charset=utf-8", "text/csv; charset=utf-8"),
        ("", "application/json"),
        ("text/\udce9", "application/json"),
        ("text/csv\x00", "application/json"),
    ],
)
def test_native_caller_gets_the_very_bytes_and_their_type(announced: str, answered: str) -> None:
    record = Noted()
    native = NativeResponse(200, b"1,\n\xff 2 ", announced)
    assert answer_native("application/json", record, RESPONSE, [native]) == Scored(b"1,\n\xff 2 ", answered)
    assert json.decode(record.text) == {"fields": ["prediction"], "values": [[1], [2], [3]]}
