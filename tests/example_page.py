"""The files that docs/write-an-adapter.md tells its reader to type, and the commands that it tells to run."""

import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "write-an-adapter.md"
EXAMPLE = PROJECT / "docs" / "examples" / "openscale-gateway-lantern"
_STEP = re.compile(
    r"^\*\*`(?P<path>[^`]+)`\*\*\n\n(?P<fence>`{3,})\w*\n(?P<text>.*?\n)(?P=fence)$"
    r"|^(?P<other_fence>`{3,}).*?^(?P=other_fence)$"
    r"|^ {4}(?P<command>[^\n]+)$",
    re.MULTILINE | re.DOTALL,
)

Step = tuple[str, str] | str
"""A file to type, its path and its text; or a line to give to a shell."""


def steps_of_page() -> list[Step]:
    """Return what is to be done, in the order of the page."""
    steps: list[Step] = []
    for match in _STEP.finditer(PAGE.read_text(encoding="utf-8")):
        if match["path"] is not None:
            steps.append((match["path"], match["text"]))
        elif match["command"] is not None:
            steps.append(match["command"])
    return steps


def files_of_page() -> dict[str, str]:
    """Return the text of each file by its path."""
    return dict(step for step in steps_of_page() if isinstance(step, tuple))


def files_of_example() -> dict[str, str]:
    """Return the same of the package in docs/examples."""
    return {str(path.relative_to(EXAMPLE)): path.read_text(encoding="utf-8") for path in _sources()}


def _sources() -> Iterator[Path]:
    for path in EXAMPLE.rglob("*"):
        hidden = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(EXAMPLE).parts)
        if path.is_file() and not hidden:
            yield path
