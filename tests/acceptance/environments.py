"""Environments of counterparts that can't share the project's own; `make acceptance` makes them."""

from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def python_of(name: str) -> Path:
    """Return the interpreter of the environment that `tests/acceptance/requirements/<name>.txt` describes."""
    python = PROJECT / ".venvs" / name / "bin" / "python"
    if not python.exists():
        pytest.fail(f"{python.relative_to(PROJECT)} is missing: run `make acceptance`, which makes the environment.")
    return python
