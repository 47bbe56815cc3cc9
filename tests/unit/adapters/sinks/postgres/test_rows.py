import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from adapters.sinks.postgres.rows import Explosion, Row
from adapters.testing.conformance.records import payload_record
from schemas.payload import NULL, PayloadRecord


def raw(value: object) -> Raw:
    return Raw(msgspec.json.encode(value))


def rows_of(*records: PayloadRecord) -> list[Row]:
    explosion = Explosion(records, max_chars=10**9)
    rows = [row for part in explosion.slices() for row in part]
    assert explosion.refused == []
    return rows


def reason_of(record: PayloadRecord) -> str:
    explosion = Explosion([record], max_chars=10**9)
    assert list(explosion.slices()) == []
    (refusal,) = explosion.refused
    assert refusal.scoring_id == record.scoring_id
    return refusal.reason


def test_a_row_has_its_cells_by_column_name_and_all_that_is_known_of_the_call() -> None:
    record = payload_record(2, scoring_id="a", meta=True)
    assert rows_of(record)[1] == Row(
        id="a-2",
        scoring_id="a",
        n=2,
        transaction_id="transaction",
        deployment_id="credit-risk",
        engine="aws",
        origin="application",
        caller="loans-app",
        scoring_timestamp=datetime(2026, 11, 21, 10, 0, 0, 123456, UTC),
        response_time=42,
        status=200,
        outcome="scored",
        caller_gone=False,
        request='{"Age":21,"Job":"canary-payload-value"}',
        response='{"prediction":"No Risk","probability":[0.9,0.1]}',
        meta='{"Region":"region 1"}',
        labels='["No Risk","Risk"]',
    )


def test_a_record_without_response_keeps_its_rows_with_null() -> None:
    record = replace(payload_record(2, scoring_id="a"), response=NULL, outcome="engine_timeout", response_time=None)
    assert [(row.id, row.response, row.labels, row.response_time) for row in rows_of(record)] == [
        ("a-1", None, None, None),
        ("a-2", None, None, None),
    ]


def test_cells_without_names_stay_an_array() -> None:
    record = replace(payload_record(), request=raw({"values": [[[1, 2], "x"]]}))
    assert [row.request for row in rows_of(record)] == ['[[1,2],"x"]']


def test_numbers_and_names_go_over_as_they_were_written() -> None:
    request = Raw(b'{"fields": ["a\\"b", "\\u00fc"], "values": [[1.0, 123456789012345678901234567890]]}')
    record = replace(payload_record(), request=request)
    assert [row.request for row in rows_of(record)] == ['{"a\\"b":1.0,"ü":123456789012345678901234567890}']


CELLS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda cells: st.lists(cells, max_size=3) | st.dictionaries(st.text(), cells, max_size=3),
    max_leaves=5,
)


def holds_nul(value: object) -> bool:
    if isinstance(value, dict):
        return any(holds_nul(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return any(holds_nul(item) for item in value)
    return isinstance(value, str) and "\0" in value


@given(st.data())
def test_any_table_comes_back_row_by_row_unless_it_holds_a_nul(data: st.DataObject) -> None:
    fields = data.draw(st.lists(st.text(), min_size=1, max_size=3, unique=True))
    values = data.draw(st.lists(st.lists(CELLS, min_size=len(fields), max_size=len(fields)), max_size=3))
    request = {"fields": fields, "values": values}
    record = replace(payload_record(), request=Raw(json.dumps(request).encode()), response=NULL)
    if holds_nul(request["fields"]) or holds_nul(request["values"]):
        assert "U+0000" in reason_of(record)
    else:
        expected = [dict(zip(fields, row, strict=True)) for row in values]
        assert [json.loads(row.request) for row in rows_of(record)] == expected


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        (r"\u0000", True),
        (r"\\u0000", False),
        (r"\\\u0000", True),
        (r"\\\\u0000", False),
        (r"\"\u0000", True),
        (r"\\u0000 and \u0000", True),
    ],
)
def test_a_nul_is_told_from_a_backslash_and_five_characters(text: str, refused: bool) -> None:
    record = replace(payload_record(), request=Raw(f'{{"fields": ["a"], "values": [["{text}"]]}}'.encode()))
    explosion = Explosion([record], max_chars=10**9)
    assert [len(part) for part in explosion.slices()] == ([] if refused else [1])
    assert len(explosion.refused) == refused


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"response": raw({"fields": ["a"], "values": [[1], [2]]})}, "its response has 2 rows, its request 1"),
        ({"request": raw({"fields": ["a"], "values": [[1, 2]]})}, "a row of its request is not as long"),
        ({"response": raw({"fields": ["a"], "values": [[]]})}, "a row of its response is not as long"),
        (
            {"request": raw({"fields": ["a"], "values": [[1]], "meta": {"fields": ["b"], "values": []}})},
            "its meta has 0 rows",
        ),
        ({"request": raw({"instances": []})}, "its request is not in fields/values form"),
        ({"response": raw("text")}, "its response is not in fields/values form"),
        ({"request": Raw(b'{"values": [["\xff"]]}')}, "its request is not in fields/values form"),
        ({"request": Raw(b'{"values": [["\\ud800"]]}')}, "its request is not in fields/values form"),
        ({"request": Raw(b'{"values": [[' + b"[" * 100_000)}, "its request is not in fields/values form"),
    ],
)
def test_a_record_of_another_form_is_refused_by_name_before_any_row_of_it(members: dict[str, Raw], words: str) -> None:
    assert words in reason_of(replace(payload_record(), **members))


def test_a_refused_record_does_not_hold_up_the_others() -> None:
    bad = replace(payload_record(scoring_id="b"), request=raw({"values": [["\0"]]}))
    explosion = Explosion([payload_record(scoring_id="a"), bad, payload_record(scoring_id="c")], max_chars=10**9)
    assert [row.id for part in explosion.slices() for row in part] == ["a-1", "c-1"]
    assert [refusal.scoring_id for refusal in explosion.refused] == ["b"]


def test_slices_end_as_soon_as_they_are_large_enough() -> None:
    explosion = Explosion([payload_record(3, width=1000), payload_record(2, width=1000)], max_chars=2000)
    assert [len(part) for part in explosion.slices()] == [2, 2, 1]
