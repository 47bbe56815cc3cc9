"""Fields/values is told from native bodies by the body alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from gateway.body_form import has_fields_values, is_fields_values
from tests.corpus.malformed import corpus
from tests.corpus.mutated import GOOD, mutated

ROWS = {"fields": ["a"], "values": [[1]]}

FIELDS_VALUES = {
    "fields and values": ROWS,
    "no rows": {"fields": ["a"], "values": []},
    "with meta": {**ROWS, "meta": {"fields": ["m"], "values": [["x"]]}},
    "with a key of nobody": {**ROWS, "log_it": None},
    "values alone": {"values": [[1]]},
    "values and meta": {"values": [[1]], "meta": {"fields": ["m"], "values": [["x"]]}},
    "wrapped": {"input_data": [ROWS]},
    "wrapped values alone": {"input_data": [{"values": [[1]]}]},
    "wrapped, with parameters": {"input_data": [ROWS, ROWS], "parameters": {}},
    "wrong inside": {"fields": [1], "values": ["x"]},
}
NATIVE = {
    "rows at instances": {"instances": [[1]]},
    "rows at input": {"input": [{"a": 1}]},
    "a data frame": {"dataframe_split": {"columns": ["a"], "data": [[1]]}},
    "a data frame at input_data": {"input_data": {"columns": ["a"], "index": [0], "data": [[1]]}},
    "rows at input_data": {"input_data": [{"a": 1}, {"a": 2}]},
    "rows at values, beside something": {"values": [[1]], "signature_name": "serving_default"},
    "no list of values": {"fields": ["a"], "values": {"0": 1}},
    "no list of fields": {"fields": "a", "values": [[1]]},
    "fields alone": {"fields": ["a"]},
    "no elements": {"input_data": []},
    "an array": [ROWS],
    "a text": "fields, values",
    "nothing": {},
    "null": None,
}


@pytest.mark.parametrize("name", FIELDS_VALUES)
def test_fields_values_is_known_by_its_keys(name: str) -> None:
    assert has_fields_values(FIELDS_VALUES[name])
    assert is_fields_values(json.encode(FIELDS_VALUES[name]))


@pytest.mark.parametrize("name", NATIVE)
def test_everything_else_is_native(name: str) -> None:
    assert not has_fields_values(NATIVE[name])
    assert not is_fields_values(json.encode(NATIVE[name]))


@pytest.mark.parametrize(
    "body", [b"1,2,3\n4,5,6\n", b"{fields,values}\n", b"", b"\xff\xfe", b"{", b'{"a":1}\n{"a":2}\n', b"[" * 100_000]
)
def test_what_is_no_json_is_native(body: bytes) -> None:
    assert not is_fields_values(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"fields":["a"],"values":[[NaN]]}',
        b'\xef\xbb\xbf {"fields":["a"],"values":[[-Infinity]]}',
        b'\n{"input_data":[{"fields":["a"],"values":[[NaN]]}]}',
    ],
)
def test_numbers_that_json_has_not_hide_nothing(body: bytes) -> None:
    assert is_fields_values(body)


@given(
    st.dictionaries(
        st.sampled_from(["fields", "values", "meta", "input_data", "x"]),
        st.none() | st.lists(st.sampled_from([1, "a", ROWS])) | st.just(ROWS),
    )
)
def test_the_form_depends_on_nothing_but_the_parsed_body(body: dict[str, object]) -> None:
    assert is_fields_values(json.encode(body)) == has_fields_values(body)
    assert is_fields_values(json.format(json.encode(body), indent=3)) == has_fields_values(body)


def test_good_scoring_bodies_are_fields_values_and_no_body_breaks_the_look_at_it() -> None:
    assert all(is_fields_values(json.encode(body)) for body in GOOD)
    for body in [*(case.body for case in corpus()), *mutated(1_000)]:
        assert is_fields_values(body) in (True, False)
