"""What the engine keeps in `Endpoint.native`: all that another process needs to call the web service."""

from typing import Any

import msgspec
from msgspec import Struct

from schemas.deployment import Endpoint
from schemas.errors import EngineEndpointNotFoundError


class Native(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to call a web service.

    Attributes:
        url: absolute, with its query.
        key: as it was last discovered; None where the configuration has it, or it could not be fetched.
        arm_id: where Azure Resource Manager is to be asked for the key.
    """

    url: str
    key: str | None = None
    arm_id: str | None = None

    def __repr__(self) -> str:
        return f"Native(arm_id={self.arm_id!r})"

    def as_json(self) -> dict[str, Any]:
        """Return what `Endpoint.native` holds."""
        members: dict[str, Any] = msgspec.to_builtins(self)
        return members


def native_of(endpoint: Endpoint) -> Native:
    """Read `endpoint.native`.

    Raises:
        EngineEndpointNotFoundError: it is not what this engine writes (another release persisted it).
    """
    try:
        return msgspec.convert(endpoint.native, Native)
    except msgspec.ValidationError as error:
        raise EngineEndpointNotFoundError(
            f"Azure ML Studio service {endpoint.name} was discovered by another release: it is known again after the "
            "next discovery."
        ) from error
