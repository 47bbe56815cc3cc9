"""Mistakes and their places."""

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

Place = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


class Mark(Struct, frozen=True, order=True):
    """A position in the file; both numbers count from 1."""

    line: int
    column: int


class Finding(Struct, frozen=True):
    """One mistake. `mark` is where it is said, if that is not where its place stands."""

    place: Place
    sentence: str
    mark: Mark | None = None


class Findings:
    """The mistakes that were found so far, in whatever order."""

    def __init__(self, found: Iterable[Finding] = ()) -> None:
        self._found = list(found)

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, place: Place, sentence: str) -> None:
        """Add a mistake, unless the same is said already."""
        finding = Finding(place, sentence)
        if finding not in self._found:
            self._found.append(finding)

    def covers(self, place: Place) -> bool:
        """Tell whether a mistake is known at this place or around it: what else is wrong there may follow from it."""
        return any(place[: len(item.place)] == item.place for item in self._found if item.place)

    def touches(self, place: Place) -> bool:
        """Tell whether a mistake is known at this place or within it."""
        return any(item.place[: len(place)] == place for item in self._found)

    def lines(self, source: str, marks: Mapping[Place, Mark]) -> list[str]:
        """Return `file.yaml:12:5: engines.aws.region: sentence` for each, from the top of the file to its end."""
        marked = sorted(
            ((item.mark or _nearest(item.place, marks), item) for item in self._found),
            key=lambda pair: (pair[0], spell(pair[1].place), pair[1].sentence),
        )
        return [_line(source, mark, item) for mark, item in marked]


def spell(place: Place) -> str:
    """Write a place as `deployments.credit-risk.input.fields[2]`.

    A key that is not a plain name is quoted, and cut at a colon: where the blank after it was forgotten, the value,
    perhaps a secret, follows.
    """
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            name, colon, _ = step.partition(":")
            text += f"[{ascii(name + colon + '...') if colon else ascii(name)}]"
    return text


def parse_place(text: str) -> Place:
    """Read what `spell` writes for plain names: `output.probability_of`, `input.fields[2]`."""
    return tuple(int(index) if index else name for index, name in _STEP.findall(text))


def _nearest(place: Place, marks: Mapping[Place, Mark]) -> Mark:
    for length in range(len(place), 0, -1):
        if place[:length] in marks:
            return marks[place[:length]]
    return Mark(1, 1)


def _line(source: str, mark: Mark, finding: Finding) -> str:
    where = f"{source}:{mark.line}:{mark.column}: "
    return f"{where}{spell(finding.place)}: {finding.sentence}" if finding.place else f"{where}{finding.sentence}"
