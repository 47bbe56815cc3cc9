import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from adapters.sinks.openscale.records import bodies
from adapters.testing.conformance.records import payload_record
from schemas.payload import NULL


def decoded(parts: list[bytes]) -> list[dict[str, object]]:
    return [entry for part in parts for entry in msgspec.json.decode(part)]


def test_an_entry_has_exactly_the_documented_fields() -> None:
    record = payload_record(2, scoring_id="5f0c")
    [body] = bodies([record], 900_000)
    assert msgspec.json.decode(body) == [
        {
            "scoring_id": "5f0c",
            "scoring_timestamp": "2026-11-21T10:00:00.123456Z",
            "request": msgspec.json.decode(record.request),
            "response": msgspec.json.decode(record.response),
            "multiple_records": True,
            "response_time": 42,
            "user_id": "loans-app",
        }
    ]


def test_an_unknown_caller_and_an_unknown_duration_are_left_out() -> None:
    [body] = bodies([replace(payload_record(), caller=None, response_time=None)], 900_000)
    assert {"user_id", "response_time"}.isdisjoint(msgspec.json.decode(body)[0])


def test_request_and_response_go_out_as_the_text_that_they_are() -> None:
    request = b'{"fields": ["a"],  "values": [[1.0], [1e2], [12345678901234567890], ["\\u00e9"]]}'
    response = b'{"values":[[1],[2],[3],[4]], "fields":["p"]}'
    [body] = bodies([replace(payload_record(), request=Raw(request), response=Raw(response))], 900_000)
    assert request in body
    assert response in body


def test_records_are_packed_in_order_into_as_few_bodies_as_the_limit_allows() -> None:
    records = [payload_record(scoring_id=f"{n:04}") for n in range(30)]
    size = len(next(bodies(records[:1], 900_000)))
    parts = list(bodies(records, size * 10))
    assert [entry["scoring_id"] for entry in decoded(parts)] == [record.scoring_id for record in records]
    assert len(parts) == 3


@given(
    rows=st.integers(1, 60),
    width=st.integers(0, 200),
    limit=st.integers(300, 5000),
    meta=st.booleans(),
    n=st.integers(1, 4),
)
def test_cut_records_keep_every_row_in_order_under_numbered_ids_and_within_the_limit(
    rows: int, width: int, limit: int, meta: bool, n: int
) -> None:
    records = [payload_record(rows, scoring_id=f"id{k}", meta=meta, width=width) for k in range(n)]
    parts = list(bodies(records, limit))
    for part in parts:
        entries = msgspec.json.decode(part)
        assert len(part) <= limit or [len(entry["request"]["values"]) for entry in entries] == [1]
    for record in records:
        mine = [e for e in decoded(parts) if str(e["scoring_id"]).partition(".")[0] == record.scoring_id]
        whole = [record.scoring_id]
        assert [e["scoring_id"] for e in mine] in (whole, [f"{record.scoring_id}.{k + 1}" for k in range(len(mine))])
        for side in ("request", "response"):
            assert joined([e[side] for e in mine]) == msgspec.json.decode(getattr(record, side))
        assert {(e["scoring_timestamp"], e["user_id"], e["response_time"]) for e in mine} == {
            (record.scoring_timestamp, record.caller, record.response_time)
        }


def joined(tables: list[object]) -> dict[str, object]:
    """Put tables with the same members back together."""
    parts = msgspec.convert(tables, list[dict[str, object]])
    whole = dict(parts[0])
    whole["values"] = [row for part in parts for row in msgspec.convert(part["values"], list[object])]
    if "meta" in whole:
        whole["meta"] = joined([part["meta"] for part in parts])
    return whole


def test_the_parts_of_a_record_do_not_depend_on_its_batch() -> None:
    record = payload_record(50, scoring_id="big")
    alone = decoded(list(bodies([record], 1500)))
    among = decoded(list(bodies([payload_record(scoring_id="small"), record, payload_record(40)], 1500)))
    assert [entry for entry in among if str(entry["scoring_id"]).startswith("big")] == alone


@pytest.mark.parametrize(
    ("request_text", "response_text"),
    [
        (b'{"fields":["a"],"values":[[1],[2]]}', b'{"fields":["p"],"values":[[1]]}'),
        (b'{"fields":["a"],"values":[[1],[2]]}', bytes(NULL)),
        (b'{"fields":["a"],"values":{"a":[1]}}', b'{"fields":["p"],"values":[[1]]}'),
        (b'{"a":1}', b'{"fields":["p"],"values":[[1]]}'),
        (b'{"values":[[1],[2]],"meta":null}', b'{"values":[[1],[2]]}'),
        (b'{"values":[[1],[2]],"meta":{"values":[[1]]}}', b'{"values":[[1],[2]]}'),
        (b'{"values":[]}', b'{"values":[]}'),
    ],
)
def test_a_record_without_rows_to_cut_goes_out_whole(request_text: bytes, response_text: bytes) -> None:
    record = replace(payload_record(scoring_id="5f0c"), request=Raw(request_text), response=Raw(response_text))
    [entry] = decoded(list(bodies([record], 10)))
    assert entry["scoring_id"] == "5f0c"
    assert entry["request"] == msgspec.json.decode(request_text)
