"""Cells in the forms that platforms give them."""

from schemas.table import Cell


def opened(cell: Cell) -> Cell:
    """Return what an array of a single element holds, as a tensor of shape [n, 1] gives it; any other cell as it is."""
    return cell[0] if isinstance(cell, list) and len(cell) == 1 else cell
