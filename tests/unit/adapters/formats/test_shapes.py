import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.shapes import flat_cells, read_tensor
from schemas.errors import EngineReplyError, UnprocessableRequestError


@given(st.lists(st.integers(2, 3), max_size=3), st.integers(1, 3))
def test_what_is_flattened_is_read_as_it_was(inner, n_rows):
    shape = [n_rows, *inner]
    flat = list(range(math.prod(shape)))
    cells = read_tensor({"shape": shape, "data": flat}, "x", n_rows)
    written_shape, written, locate = flat_cells(cells, 7)
    assert (written_shape, written) == (shape, flat)
    assert [locate(k) for k in flat] == [(k // (len(flat) // n_rows), 7) for k in flat]
    assert read_tensor({"shape": shape, "data": cells}, "x", n_rows) == cells


@given(st.integers(1, 3), st.integers(1, 3), st.lists(st.integers(2, 3), max_size=2))
def test_each_scalar_of_whole_rows_is_located_by_row_and_column(n_rows, width, inner):
    def cell(place, lengths):
        return [cell(place, lengths[1:]) for _ in range(lengths[0])] if lengths else place

    shape, flat, locate = flat_cells([[cell(f"{n} {m}", inner) for m in range(width)] for n in range(n_rows)], None)
    assert shape == [n_rows, width, *inner]
    assert [f"{n} {m}" for n, m in map(locate, range(len(flat)))] == flat


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([[1, 2], [3, [4]]], (1, 1)),
        ([[1, [2]], [3, 4]], (0, 1)),
        ([[[1], 2], [[3], [4]]], (0, 1)),
        ([[[1, 2], [3, 4]], [[5, 6], [7]]], (1, 1)),
        ([[[1], []]], (0, 1)),
        ([[[[1], [2]], [[3], 4]]], (0, 1)),
    ],
)
def test_the_cell_of_whole_rows_that_differs_is_named(rows, place):
    with pytest.raises(UnprocessableRequestError) as caught:
        flat_cells(rows, None)
    assert caught.value.target == "values[{}][{}]".format(*place)


def test_the_row_that_differs_is_named():
    with pytest.raises(UnprocessableRequestError) as caught:
        flat_cells([[[1, 2], [3, 4]], [[5, 6], [7]]], 2)
    assert caught.value.target == "values[1][2]"


def test_a_tensor_at_odds_with_its_shape_is_refused():
    with pytest.raises(EngineReplyError, match="3 values"):
        read_tensor({"shape": [2, 2], "data": [1, 2, 3]}, "x", None)


@pytest.mark.parametrize(
    ("shape", "data"),
    [
        ([2, 3], [[1, 2], [3, 4], [5, 6]]),
        ([2, 2], [[1, 2, 3], [4]]),
        ([2, 1], [[1], 2]),
        ([2], [[1], [2]]),
        ([2, 2], [[[1], [2]], [[3], [4]]]),
        ([1, 4], [[1, 2], [3, 4]]),
    ],
)
def test_nested_data_of_another_shape_is_refused_rather_than_cut_anew(shape, data):
    with pytest.raises(EngineReplyError, match="nested otherwise"):
        read_tensor({"shape": shape, "data": data}, "x", None)
