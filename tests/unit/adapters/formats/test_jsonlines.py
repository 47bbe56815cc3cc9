import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Body
from adapters.formats.jsonlines import JsonLinesSettings, plugin
from schemas.errors import EngineReplyError, UnprocessableRequestError
from schemas.table import Table


def codec(**options):
    return plugin.build(JsonLinesSettings(**options))


def decode(content, n_rows=None, **options):
    return codec(**options).decode(Body(content, "application/jsonlines"), n_rows)


texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts)


@given(st.lists(st.tuples(scalars, scalars), min_size=1, max_size=4), st.sampled_from(["object", "array", "features"]))
def test_rows_come_back_as_they_were(rows, form):
    rows = [["x", *row] for row in rows]
    content = codec(row=form).encode(Table(("a", "b", "c"), rows)).content
    assert content.count(b"\n") == len(rows)
    table = decode(content, len(rows), row=form, fields=("a", "b", "c"))
    assert table == Table(("a", "b", "c"), rows, optional=form == "object")


@given(st.binary(), st.integers(1, 3))
def test_any_bytes_are_read_or_refused(content, n_rows):
    with suppress(EngineReplyError):
        assert len(decode(content, n_rows).rows) == n_rows


def test_one_object_is_written_on_each_line():
    body = codec(row="features").encode(Table(None, [[1, 2], [3, 4]]))
    assert body.content == b'{"features":[1,2]}\n{"features":[3,4]}\n'
    assert body.content_type == codec().media_type == "application/jsonlines"


def test_lines_are_rows_whatever_the_order_of_their_keys():
    content = b'{"score": 0.2, "predicted_label": 0}\r\n\n{"predicted_label": 1.0, "score": NaN}'
    assert decode(content, 2) == Table(("score", "predicted_label"), [[0.2, 0], [None, 1.0]], optional=True)


def test_lines_inside_a_json_string_are_read():
    assert decode(b'"{\\"a\\": 1}\\n{\\"a\\": 2}"', 2) == Table(("a",), [[1], [2]], optional=True)


@pytest.mark.parametrize("text", ["yes", "[a", "{", "[0.1 0.9]"])
def test_a_line_of_text_is_a_prediction(text):
    assert decode(json.dumps(text).encode(), 1) == Table(("prediction",), [[text]])


def test_a_line_that_is_a_value_stays_one_even_if_it_holds_json():
    assert decode(b'"[1, 2]"', 1, row="value", fields=("a",)) == Table(("a",), [["[1, 2]"]])


def test_no_lines_are_no_rows():
    assert decode(b"\n", 0).rows == []


def test_another_number_of_lines_is_refused():
    with pytest.raises(EngineReplyError, match="1 rows to 2"):
        decode(b"[1]\n", 2)


def test_an_error_instead_of_a_row_is_refused():
    with pytest.raises(EngineReplyError) as caught:
        decode(b'{"error": "secret 4711"}', 1)
    assert "4711" not in caught.value.message
    assert caught.value.engine_message == "secret 4711"


def test_objects_need_names():
    with pytest.raises(UnprocessableRequestError) as caught:
        codec().encode(Table(None, [[1]]))
    assert caught.value.target == "fields"


def test_a_cell_that_json_cant_carry_is_refused_with_its_place():
    with pytest.raises(UnprocessableRequestError) as caught:
        codec(row="array").encode(Table(("a",), [[1], ["\ud800"]]))
    assert caught.value.target == "values[1][0]"
