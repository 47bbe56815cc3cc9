"""The files that docs/write-an-adapter.md tells its reader to type."""

import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "write-an-adapter.md"
EXAMPLE = PROJECT / "docs" / "examples" / "openscale-gateway-lantern"
_FILE = re.compile(
    r"^\*\*`(?P<path>[^`]+)`\*\*\n\n(?P<fence>`{3,})\w*\n(?P<text>.*?\n)(?P=fence)$", re.MULTILINE | re.DOTALL
)


def files_of_page() -> dict[str, str]:
    """Return the text of each file by its path."""
    return {match["path"]: match["text"] for match in _FILE.finditer(PAGE.read_text(encoding="utf-8"))}


def files_of_example() -> dict[str, str]:
    """Return the same of the package in docs/examples."""
    return {str(path.relative_to(EXAMPLE)): path.read_text(encoding="utf-8") for path in _sources()}


def _sources() -> Iterator[Path]:
    for path in EXAMPLE.rglob("*"):
        hidden = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(EXAMPLE).parts)
        if path.is_file() and not hidden:
            yield path
