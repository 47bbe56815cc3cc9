"""What a scored call is answered with, in the caller's form; the record always takes fields/values."""

from collections.abc import Callable, Sequence

from msgspec import Struct, json

from adapters.base import NativeResponse
from gateway.payloadlog.call_record import CallRecord, Unlogged
from schemas.scoring import ParsedBody, ScoringResponse

JSON = "application/json"


class Scored(Struct, frozen=True):
    """The body of an answer."""

    body: bytes
    content_type: str = JSON


Answering = Callable[[CallRecord | Unlogged, ScoringResponse, Sequence[NativeResponse]], Scored]
"""Makes the caller's answer, and gives the record its own. Blocking: as long as encoding."""


def answer_fields_values(
    parsed: ParsedBody, record: CallRecord | Unlogged, response: ScoringResponse, answers: Sequence[NativeResponse]
) -> Scored:
    """Answer in JSON, wrapped as the request was; the record takes the same text, unwrapped."""
    text = json.encode(response)
    record.answered(response, text)
    if parsed.parts is None:
        return Scored(text)
    if len(parsed.parts) == 1:
        return Scored(b'{"predictions":[' + text + b"]}")
    predictions: list[ScoringResponse] = []
    start = 0
    for n_rows in parsed.parts:
        rows = response.values[start : start + n_rows]
        predictions.append(ScoringResponse(fields=response.fields, values=rows, labels=response.labels))
        start += n_rows
    return Scored(json.encode({"predictions": predictions}))


def answer_native(
    media_type: str, record: CallRecord | Unlogged, response: ScoringResponse, answers: Sequence[NativeResponse]
) -> Scored:
    """Answer with the bytes that the endpoint gave; `media_type` stands in for a content type that can't be sent."""
    record.answered(response, json.encode(response))
    (native,) = answers
    kind = native.content_type
    return Scored(native.body, kind if kind and kind.isascii() and kind.isprintable() else media_type)
