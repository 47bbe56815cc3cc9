import json

import pytest

from adapters.formats.json_places import MISSING, Template, describe, find, parse_place, parse_places


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", ()),
        ("output", ("output",)),
        ("Results.output1.value", ("Results", "output1", "value")),
        ("a[0][2].b", ("a", 0, 2, "b")),
    ],
)
def test_a_path_is_read_and_described(text, place):
    assert parse_place(text) == place
    assert describe(place) == (f"`{text}`" if text else "the body itself")


@pytest.mark.parametrize("text", [".", "a.", ".a", "a..b", "[0]", "a[x]", "a[-1]", "a[0]b", "a[9999999]"])
def test_what_is_no_path_is_refused(text):
    with pytest.raises(ValueError, match="is not a path"):
        parse_place(text)


def test_a_list_of_paths_is_never_empty():
    assert parse_places(["a", ""]) == (("a",), ())
    with pytest.raises(ValueError, match="empty list"):
        parse_places([])


def test_a_place_is_found_or_missing():
    body = {"a": [{"b": None}], "c": "text"}
    assert find(body, ()) is body
    assert find(body, ("a", 0, "b")) is None
    for place in [("x",), ("a", 1), ("a", "b"), ("c", 0), ("a", 0, "b", "c")]:
        assert find(body, place) is MISSING


def test_holes_are_filled_in_order():
    template = Template(("in", 0), ("columns", "data"), {"params": {"x": [1]}})
    assert json.loads(template.fill(b'["a"]', b"[[1]]")) == {
        "in": [{"columns": ["a"], "data": [[1]]}],
        "params": {"x": [1]},
    }


def test_an_index_is_reached_through_nulls():
    assert Template(("a", 2), (), {}).fill(b"1") == b'{"a":[null,null,1]}'


def test_texts_in_constants_never_pass_for_holes():
    assert json.loads(Template(("a",), (), {"b": "\x00"}).fill(b"[]")) == {"a": [], "b": "\x00"}
