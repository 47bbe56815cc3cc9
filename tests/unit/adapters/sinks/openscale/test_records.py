import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from adapters.sinks.openscale.elements import encode_record
from adapters.sinks.openscale.records import Body, Part, bodies, new_rows, record_id
from adapters.testing.conformance.records import payload_record
from schemas.payload import NULL, PayloadRecord


def cut(records: list[PayloadRecord], max_bytes: int = 900_000) -> list[Body]:
    return list(bodies(records, max_bytes, encode_record))


def decoded(parts: list[Body]) -> list[dict[str, object]]:
    return [entry for part in parts for entry in msgspec.json.decode(part.content)]


def test_a_part_knows_the_ids_of_its_rows_and_a_row_its_record() -> None:
    assert list(Part("5f0c.2", 3).row_ids()) == ["5f0c.2-1", "5f0c.2-2", "5f0c.2-3"]
    assert [record_id(row_id) for row_id in ("5f0c-1", "5f0c.2-13", "8c1e-4d-aa-2", "odd")] == [
        "5f0c",
        "5f0c",
        "8c1e-4d-aa",
        "",
    ]


def test_a_row_of_an_earlier_page_was_moved_and_a_row_twice_on_one_page_is_there_twice() -> None:
    seen: set[str] = set()
    assert new_rows(["a-1", "a-2", "a-2"], seen) == {"a-1": 1, "a-2": 2}
    assert new_rows(["a-2", "b-1"], seen) == {"b-1": 1}


def test_request_and_response_go_out_as_the_text_that_they_are() -> None:
    request = b'{"fields": ["a"],  "values": [[1.0], [1e2], [12345678901234567890], ["\\u00e9"]]}'
    response = b'{"values":[[1],[2],[3],[4]], "fields":["p"]}'
    [body] = cut([replace(payload_record(), request=Raw(request), response=Raw(response))])
    assert request in body.content
    assert response in body.content


def test_records_are_packed_in_order_into_as_few_bodies_as_the_limit_allows() -> None:
    records = [payload_record(scoring_id=f"{n:04}") for n in range(30)]
    size = len(cut(records[:1])[0].content)
    parts = cut(records, size * 10)
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
    parts = cut(records, limit)
    for part in parts:
        entries = msgspec.json.decode(part.content)
        assert [one.scoring_id for one in part.parts] == [entry["scoring_id"] for entry in entries]
        assert [one.rows for one in part.parts] == [len(entry["request"]["values"]) for entry in entries]
        assert len(part.content) <= limit or [len(entry["request"]["values"]) for entry in entries] == [1]
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
    alone = decoded(cut([record], 1500))
    among = decoded(cut([payload_record(scoring_id="small"), record, payload_record(40)], 1500))
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
    [entry] = decoded(cut([record], 10))
    assert entry["scoring_id"] == "5f0c"
    assert entry["request"] == msgspec.json.decode(request_text)
