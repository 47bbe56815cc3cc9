import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.json_reading import error_text, kind_of, read_json, read_json_lines, refuse_error
from schemas.errors import EngineReplyError

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)


def without_infinities(value):
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [without_infinities(item) for item in value]
    if isinstance(value, dict):
        return {key: without_infinities(item) for key, item in value.items()}
    return value


@given(values.map(lambda value: [value]))
def test_what_python_writes_is_read_with_none_for_nan_and_infinities(value):
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == without_infinities(value)


@given(st.lists(texts))
def test_tokens_inside_strings_are_left_alone(strings):
    value = [*strings, "NaN, -Infinity and 1e999", float("nan")]
    assert read_json(json.dumps(value).encode()) == [*value[:-1], None]


@given(values.map(lambda value: [value]), st.integers(0, 3))
def test_a_string_with_json_is_opened_three_times(value, times):
    text = json.dumps(value)
    for _ in range(times):
        text = json.dumps(text)
    assert read_json(text.encode()) == without_infinities(value)


def test_a_string_is_not_opened_a_fourth_time():
    text = "[1]"
    for _ in range(4):
        text = json.dumps(text)
    with pytest.raises(EngineReplyError, match="text instead of rows"):
        read_json(text.encode())


@pytest.mark.parametrize("text", ["secret 4711", "[Errno 2] secret 4711", "{secret 4711", '"secret 4711'])
def test_a_plain_text_is_an_error_for_the_caller_alone(text):
    with pytest.raises(EngineReplyError) as caught:
        read_json(json.dumps(text).encode())
    assert "4711" not in caught.value.message
    assert caught.value.engine_message == text


def test_numbers_beyond_a_float_are_none():
    assert read_json(b'[1e999, -1E+400, 1e300, "1e999"]') == [None, None, 1e300, "1e999"]


def test_a_byte_order_mark_is_skipped():
    assert read_json(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize(
    "content",
    [b"", b"nope", b"[1", b'["\xff"]', b'"\xff', b'["\\ud800"]', b"[" + b"1" * 5000 + b"]", b'"' + b'\\"' * 50_000],
)
def test_what_is_not_json_is_refused(content):
    with pytest.raises(EngineReplyError):
        read_json(content)


@pytest.mark.parametrize("opening", ["[", '{"a":', "[1,[2],", '[{"a":"]",'])
@pytest.mark.parametrize("depth", [100, 100_000])
@pytest.mark.parametrize("tail", ["1", "NaN"])
def test_deep_nesting_is_refused(opening, depth, tail):
    closing = "".join(
        {"[": "]", "{": "}"}[bracket]
        for bracket in reversed(opening.replace("[2]", "").replace('"]"', ""))
        if bracket in "[{"
    )
    content = (opening * depth + tail + closing * depth).encode()
    with pytest.raises(EngineReplyError):
        read_json(content)


def test_brackets_in_strings_do_not_count_as_nesting():
    value = [["[" * 200], {"}" * 200: "[{" * 50}]
    assert read_json(json.dumps(value).encode()) == value


def test_lines_are_read_one_by_one():
    assert read_json_lines(b'{"a": NaN}\n\n[1]\r\n') == [{"a": None}, [1]]
    with pytest.raises(EngineReplyError):
        read_json_lines(b"[1]\nnope")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"error": "x"}, "x"),
        ({"message": "x", "error": "y"}, "y: x"),
        ({"error": {"code": 1}}, '{"code":1}'),
        ({"error": None}, None),
        ({"output": [1]}, None),
        ([1], None),
    ],
)
def test_the_text_of_an_error_is_found(value, text):
    assert error_text(value) == text


def test_an_object_with_nothing_but_an_error_is_refused():
    with pytest.raises(EngineReplyError):
        refuse_error({"error": "", "message": "x"})
    refuse_error({"error": "x", "output": [1]})
    refuse_error({})
    refuse_error([])


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "a number"),
        (0.5, "a number"),
        ("", "a string"),
        ([], "an array"),
        ({}, "an object"),
    ],
)
def test_kinds_are_named_for_people(value, name):
    assert kind_of(value) == name
