import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import json

from schemas.nesting import nested_within

JSON_VALUES = st.recursive(
    st.none() | st.integers(-9, 9) | st.text(alphabet='[]{}"\\a'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[]{}"\\a'), inner, max_size=3),
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@example("[", 0)
@given(JSON_VALUES, st.integers(0, 12))
def test_levels_are_counted_whatever_strings_hold(value: object, levels: int) -> None:
    assert nested_within(json.encode(value), levels) == (depth(value) <= levels)


@pytest.mark.parametrize(("levels", "answer"), [(4, False), (5, True)])
def test_rows_beside_each_other_do_not_hide_a_deep_one(levels: int, answer: bool) -> None:
    text = json.encode({"values": [[1]] * 100 + [[[[1]]]]})
    assert nested_within(text, levels, siblings=100) is answer
