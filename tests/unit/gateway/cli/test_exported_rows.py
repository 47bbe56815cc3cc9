from msgspec import json

from gateway.cli.exported_rows import exported_rows
from tests.fakes.payload_lines import payload_line

REQUEST = {"fields": ["a", "b"], "values": [[1, None], [2**63, "y"]]}


def test_each_scored_row_is_a_row_with_an_id_of_its_own() -> None:
    line = payload_line(
        REQUEST | {"meta": {"fields": ["s"], "values": [["F"], ["M"]]}},
        {"fields": ["prediction", "probability"], "values": [["x", [0.5, 0.5]], ["y", None]], "labels": ["x", "y"]},
    )
    first, second = exported_rows(line)
    assert (first.row_id, second.row_id) == ("0" * 32 + "-1", "0" * 32 + "-2")
    assert json.decode(second.request) == {"a": 2**63, "b": "y"}
    assert second.meta == '{"s":"M"}'
    assert json.decode(first.response or "") == {"prediction": "x", "probability": [0.5, 0.5]}
    assert (first.transaction_id, first.caller, first.response_time) == ("loans, 4711", None, 42)


def test_failed_call_has_rows_without_response() -> None:
    rows = list(exported_rows(payload_line(REQUEST, outcome="gateway_error")))
    assert [(row.response, row.meta, row.response_time) for row in rows] == [(None, None, None)] * 2


def test_unnamed_columns_are_arrays() -> None:
    (row,) = exported_rows(payload_line({"values": [[[0, 255], 1]]}, {"fields": ["prediction"], "values": [[7]]}))
    assert row.request == "[[0,255],1]"


def test_columns_that_were_dropped_leave_empty_objects() -> None:
    rows = exported_rows(payload_line({"fields": [], "values": [[], []]}))
    assert [row.request for row in rows] == ["{}", "{}"]
