"""What the engine keeps in `Endpoint.native`: all that another process needs to call the deployment."""

from typing import Any

import msgspec
from msgspec import Struct, field

from schemas.deployment import Endpoint
from schemas.errors import EngineEndpointNotFoundError


class Native(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to call a deployment.

    Attributes:
        url: absolute; it may have a query.
        headers: those that the other engine lists for this URL; they may hold a key.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Native(url={self.url!r})"

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
            f"Custom engine deployment {endpoint.name} was discovered by another release: it is known again after the "
            "next discovery."
        ) from error
