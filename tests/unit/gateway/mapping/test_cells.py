import pytest

from gateway.mapping.cells import opened


@pytest.mark.parametrize(
    ("cell", "inside"), [([1], 1), (["Risk"], "Risk"), ([None], None), ([[1, 2]], [1, 2]), ([1, 2], [1, 2]), ([], [])]
)
def test_an_array_of_one_element_is_that_element(cell, inside):
    assert opened(cell) == inside


@pytest.mark.parametrize("cell", [1, "x", None, {"a": 1}])
def test_other_cells_stay(cell):
    assert opened(cell) is cell
