import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.columns import MAX_PLANS, InputColumns
from schemas.configuration import InputSettings
from schemas.errors import UnprocessableRequestError
from schemas.scoring import RequestMeta, ScoringRequest
from schemas.table import Table


def columns(endpoint_columns=None, *, by_place=False, **settings):
    return InputColumns(InputSettings(**settings), endpoint_columns, by_place=by_place)


def rows(table):
    return [list(row) for row in table.rows]


@given(st.permutations(["a", "b", "c", "extra"]), st.lists(st.lists(st.integers(), min_size=4, max_size=4), max_size=4))
def test_values_follow_their_names_whatever_the_order(fields, values):
    request = ScoringRequest(values, fields)
    before = copy.deepcopy(request)
    table = columns(fields=("a", "b", "c"), constants={"k": "x"}).table(request)
    assert tuple(table.columns) == ("a", "b", "c", "k")
    assert rows(table) == [[*(row[fields.index(name)] for name in "abc"), "x"] for row in values]
    assert request == before


def test_rows_in_the_order_of_the_endpoint_are_not_even_copied():
    request = ScoringRequest([[1, 2]], ["a", "b"])
    assert columns(fields=("a", "b")).table(request).rows is request.values
    assert columns().table(request) == Table(["a", "b"], request.values)


def test_the_names_that_the_platform_tells_stand_in_for_configured_ones():
    request = ScoringRequest([[1, 2]], ["a", "b"])
    assert rows(columns(["b", "a"]).table(request)) == [[2, 1]]
    assert rows(columns(["x"], fields=("b",)).table(request)) == [[2]]
    assert columns([]).table(request) == Table(["a", "b"], [[1, 2]])


def test_a_default_fills_in_for_a_missing_column_only():
    mapping = columns(fields=("a", "b"), defaults={"b": 0})
    assert rows(mapping.table(ScoringRequest([[1]], ["a"]))) == [[1, 0]]
    assert rows(mapping.table(ScoringRequest([[None, 1]], ["b", "a"]))) == [[1, None]]


def test_a_constant_stands_where_fields_puts_it_and_wins_over_what_is_sent():
    mapping = columns(fields=("k", "a"), constants={"k": 9}, unknown="refuse")
    assert rows(mapping.table(ScoringRequest([[1]], ["a"]))) == [[9, 1]]
    assert rows(mapping.table(ScoringRequest([[1, 5]], ["a", "k"]))) == [[9, 1]]
    assert rows(columns(fields=("a",), constants={"k": 9}).table(ScoringRequest([[1]], ["a"]))) == [[1, 9]]


def test_without_fields_defaults_and_constants_follow_the_columns_as_sent():
    mapping = columns(defaults={"d": 0}, constants={"k": 9})
    assert mapping.table(ScoringRequest([[1]], ["a"])) == Table(("a", "d", "k"), [(1, 0, 9)])
    assert mapping.table(ScoringRequest([[1, 2, 3]], ["k", "d", "a"])) == Table(("d", "a", "k"), [(2, 3, 9)])


def test_no_default_takes_a_place_that_nothing_but_the_request_tells():
    mapping = columns(by_place=True, defaults={"b": 0}, constants={"k": 9})
    complete = mapping.table(ScoringRequest([[1, 2, 3]], ["a", "b", "c"]))
    assert complete == Table(("a", "b", "c", "k"), [(1, 2, 3, 9)])
    with pytest.raises(UnprocessableRequestError, match=r"lacks: `b`.*`input\.fields`") as caught:
        mapping.table(ScoringRequest([[1, 3]], ["a", "c"]))
    assert caught.value.target == "fields"


def test_a_default_has_its_place_where_settings_or_platform_name_the_columns():
    request = ScoringRequest([[1, 3]], ["a", "c"])
    assert rows(columns(by_place=True, fields=("a", "b", "c"), defaults={"b": 0}).table(request)) == [[1, 0, 3]]
    assert rows(columns(["a", "b", "c"], by_place=True, defaults={"b": 0}).table(request)) == [[1, 0, 3]]


def test_missing_columns_are_named():
    with pytest.raises(UnprocessableRequestError, match="`b`, `c`") as caught:
        columns(fields=("a", "b", "c")).table(ScoringRequest([[1]], ["a"]))
    assert caught.value.target == "fields"


def test_of_many_missing_columns_a_few_are_named():
    with pytest.raises(UnprocessableRequestError, match="`f9` and 90 more"):
        columns(fields=tuple(f"f{k}" for k in range(100))).table(ScoringRequest([[1]], ["a"]))


def test_unknown_columns_are_left_out_or_refused():
    request = ScoringRequest([[1, 2, 3]], ["z", "a", "y"])
    assert rows(columns(fields=("a",)).table(request)) == [[2]]
    with pytest.raises(UnprocessableRequestError, match="`y`, `z`") as caught:
        columns(fields=("a",), unknown="refuse").table(request)
    assert caught.value.target == "fields"


def test_names_of_any_length_make_short_messages():
    with pytest.raises(UnprocessableRequestError) as caught:
        columns(fields=("a",), unknown="refuse").table(ScoringRequest([[1, 2]], ["a", "z" * 1_000_000]))
    assert len(caught.value.message) < 200


def test_names_are_compared_byte_for_byte():
    with pytest.raises(UnprocessableRequestError):
        columns(fields=("LOR ",)).table(ScoringRequest([[1]], ["LOR"]))


def test_nameless_rows_pass_as_sent_where_the_width_fits():
    images = ScoringRequest([[[[0, 0, 255]]]])
    assert columns().table(images) == Table(None, images.values)
    assert columns(fields=("a", "b")).table(ScoringRequest([[1, 2]])) == Table(("a", "b"), [[1, 2]])
    assert rows(columns(fields=("a", "k"), constants={"k": 9}).table(ScoringRequest([[1]]))) == [[1, 9]]


def test_nameless_rows_of_another_width_are_refused():
    with pytest.raises(UnprocessableRequestError) as caught:
        columns(fields=("a", "b")).table(ScoringRequest([[1]]))
    assert caught.value.target == "values[0]"


def test_nameless_rows_are_refused_where_columns_are_added_by_name():
    with pytest.raises(UnprocessableRequestError) as caught:
        columns(constants={"k": 9}).table(ScoringRequest([[1]]))
    assert caught.value.target == "fields"


def test_meta_stays_behind():
    request = ScoringRequest([[1]], ["a"], RequestMeta(["Sex"], [["F"]]))
    assert columns().table(request) == Table(["a"], [[1]])


def test_no_rows_stay_no_rows():
    assert columns(fields=("a", "b")).table(ScoringRequest([], ["b", "a"])).rows == []
    assert columns(fields=("a", "b")).table(ScoringRequest([])).rows == []


def test_ever_new_lists_of_fields_are_served():
    mapping = columns(fields=("a",))
    for k in range(3 * MAX_PLANS):
        assert rows(mapping.table(ScoringRequest([[k, 1]], [f"x{k}", "a"]))) == [[1]]


@given(
    st.permutations(["a", "b", "c"]),
    st.lists(st.lists(st.integers(), min_size=3, max_size=3), max_size=4),
    st.sampled_from([("a", "b", "c"), ("c", "k", "a", "b"), None]),
    st.sampled_from([{}, {"k": "x"}]),
)
def test_a_native_table_is_read_back_as_the_request_that_it_was_made_from(fields, values, named, constants):
    named = named and tuple(name for name in named if name != "k" or constants)
    mapping = columns(fields=named, constants=constants)
    back = mapping.request(mapping.table(ScoringRequest(values, fields)))
    assert back.fields == ([name for name in named if name != "k"] if named else fields)
    assert by_name(back) == by_name(ScoringRequest(values, fields))
    assert rows(mapping.table(back)) == rows(mapping.table(ScoringRequest(values, fields)))


def by_name(request):
    return [dict(zip(request.fields, row, strict=True)) for row in request.values]


def test_native_columns_are_those_that_a_table_has():
    assert columns(fields=("a", "k"), constants={"k": 9, "l": 8}).native == ("a", "k", "l")
    assert columns(["a"]).native == ("a",)
    assert columns().native is None


def test_columns_that_nobody_named_are_read_back_without_names():
    assert columns().request(Table(None, [(1, 2)])) == ScoringRequest([[1, 2]])


def test_a_native_table_of_constants_alone_has_nothing_that_a_caller_sent():
    with pytest.raises(UnprocessableRequestError, match="constants"):
        columns(fields=("a",), constants={"k": 9}).request(Table(("k",), [[9]]))
