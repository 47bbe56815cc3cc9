"""Cells in the forms that platforms give them, and the names of those that are answered."""

from schemas.table import Cell

PREDICTION = "prediction"
PROBABILITY = "probability"


def opened(cell: Cell) -> Cell:
    """Return what an array of a single element holds, as a tensor of shape [n, 1] gives it; any other cell as it is."""
    return cell[0] if isinstance(cell, list) and len(cell) == 1 else cell
