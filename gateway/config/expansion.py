"""References to the environment and to mounted secrets, replaced after parsing."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from gateway.config.findings import Findings, Place

LARGEST_SECRET = 2**20
"""Bytes that `${file:...}` reads at most."""

_REFERENCE = re.compile(r"\$(?P<literal>\$\{)|\$\{(?P<name>[^}]*)\}|(?P<open>\$\{)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILE = "file:"


class Expanded(Struct, frozen=True):
    """A tree without references.

    Attributes:
        value: dicts, lists and scalars.
        places: of the scalars that held a reference: text, whatever it looks like.
    """

    value: Any
    places: frozenset[Place]


def expand(tree: Any, environ: Mapping[str, str], findings: Findings) -> Expanded:
    """Replace `${NAME}` by an environment variable, `${file:PATH}` by a file's text, and `$${` by `${`.

    What can't be replaced is added to `findings`, by the name of the variable or file.
    """
    expansion = _Expansion(environ, findings)
    value = expansion.walk(tree, ())
    return Expanded(value, frozenset(expansion.places))


class _Expansion:
    def __init__(self, environ: Mapping[str, str], findings: Findings) -> None:
        self.places: set[Place] = set()
        self._environ = environ
        self._findings = findings

    def walk(self, value: Any, place: Place) -> Any:
        if isinstance(value, dict):
            return {key: self.walk(content, (*place, key)) for key, content in value.items()}
        if isinstance(value, list):
            return [self.walk(element, (*place, n)) for n, element in enumerate(value)]
        return self._text(value, place) if isinstance(value, str) and "${" in value else value

    def _text(self, text: str, place: Place) -> str:
        def replaced(match: re.Match[str]) -> str:
            if match["literal"]:
                return "${"
            self.places.add(place)
            try:
                return self._resolve(match["name"])
            except ValueError as error:
                self._findings.add(place, str(error))
                return ""

        return _REFERENCE.sub(replaced, text)

    def _resolve(self, name: str | None) -> str:
        if name is not None and name.startswith(_FILE) and name != _FILE:
            return _file_text(name.removeprefix(_FILE))
        if name is None or not _VARIABLE.fullmatch(name):
            raise ValueError("A reference is ${NAME} or ${file:PATH}; write $${ where the text itself holds ${.")
        value = self._environ.get(name)
        if value is None:
            raise ValueError(f"The environment variable {name} is not set.")
        if any("\ud800" <= character <= "\udfff" for character in value):
            # How Python shows bytes of the environment that are no UTF-8.
            raise ValueError(f"The environment variable {name} is not UTF-8.")
        return value


def _file_text(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_SECRET + 1)
    except OSError as error:
        raise ValueError(f"The file {path} can't be read: {error.strerror}.") from None
    except ValueError:
        raise ValueError("The path after `file:` is no path.") from None
    if len(content) > LARGEST_SECRET:
        raise ValueError(f"The file {path} is larger than {LARGEST_SECRET} bytes: it is no secret.")
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ValueError(f"The file {path} is not UTF-8.") from None
