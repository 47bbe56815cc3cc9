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
    assert flat_cells(cells, 0) == (shape, flat)
    assert read_tensor({"shape": shape, "data": cells}, "x", n_rows) == cells


def test_the_row_that_differs_is_named():
    with pytest.raises(UnprocessableRequestError) as caught:
        flat_cells([[[1, 2], [3, 4]], [[5, 6], [7]]], 2)
    assert caught.value.target == "values[1][2]"


def test_a_tensor_at_odds_with_its_shape_is_refused():
    with pytest.raises(EngineReplyError, match="3 values"):
        read_tensor({"shape": [2, 2], "data": [1, 2, 3]}, "x", None)
