import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base.json_members import Member, read_members

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_members_are_reached_by_name():
    member = read_members(b'{"a": {"b": "text", "c": [1, {"d": "deep"}]}}')
    assert member["a"]["b"].text == "text"
    items = member["a"]["c"].items
    assert items is not None
    assert items[1]["d"].text == "deep"


@given(JSON)
def test_what_is_absent_or_something_else_has_no_text_and_no_members(value):
    absent = Member(value)["a name that hypothesis does not draw"]["b"]
    assert (absent.text, absent.items, absent.members, absent.is_object) == (None, None, {}, False)


def test_an_empty_object_is_one():
    assert Member({}).is_object
    assert not Member([]).is_object


def test_a_blank_text_is_none():
    assert Member(" \n").text is None


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": "\xff"}', b"[" * 100_000])
def test_what_is_not_json_is_read_as_absent(body):
    assert read_members(body).members == {}
