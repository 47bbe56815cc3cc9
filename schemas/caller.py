"""Who calls."""

from typing import Literal

from msgspec import Struct

Role = Literal["application", "monitor", "operator"]
Origin = Literal["application", "monitor"]


class Caller(Struct, frozen=True):
    """A client and its role. `name` is the client's name in the configuration, None where nobody authenticates."""

    name: str | None
    role: Role

    @property
    def origin(self) -> Origin:
        """How its scoring calls are recorded: an operator's count as an application's."""
        return "monitor" if self.role == "monitor" else "application"
