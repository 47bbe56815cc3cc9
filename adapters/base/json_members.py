"""JSON of platforms that leave keys out, or put something else there: read as far as it is there."""

from collections.abc import Sequence
from typing import Any

import msgspec


class Member:
    """A value whose shape nobody promises. What is absent has members, too: all of them absent."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __getitem__(self, name: str) -> "Member":
        return Member(self.members.get(name))

    @property
    def text(self) -> str | None:
        """The value, if it is a text and not blank."""
        return self._value if isinstance(self._value, str) and self._value.strip() else None

    @property
    def items(self) -> "Sequence[Member] | None":
        """The elements, if it is an array."""
        return [Member(item) for item in self._value] if isinstance(self._value, list) else None

    @property
    def members(self) -> dict[str, Any]:
        """The value, if it is an object; else an empty one."""
        return self._value if isinstance(self._value, dict) else {}

    @property
    def is_object(self) -> bool:
        """Whether it is an object, an empty one included."""
        return isinstance(self._value, dict)


def read_members(body: bytes) -> Member:
    """Read a document; what is not JSON is read as an absent one."""
    try:
        return Member(msgspec.json.decode(body))
    except (ValueError, RecursionError):
        return Member(None)
