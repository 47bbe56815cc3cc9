"""What the engine keeps in `Endpoint.native`: all that another process needs to call the endpoint."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from schemas.deployment import Endpoint
from schemas.errors import EngineEndpointNotFoundError

AuthMode = Literal["key", "aml_token", "aad_token", "none"]


class Native(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to call an endpoint.

    Attributes:
        scoring_uri: absolute.
        auth_mode: what goes into the Authorization header.
        key: as it was last known.
        deployment: the one to call; None: Azure splits the traffic.
        in_workspace: it was discovered, so the control plane knows its key or token.
    """

    scoring_uri: str
    auth_mode: AuthMode
    key: str | None = None
    deployment: str | None = None
    in_workspace: bool = False

    def __repr__(self) -> str:
        return f"Native(scoring_uri={self.scoring_uri!r})"

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
            f"Azure ML endpoint {endpoint.name} was discovered by another release: it is known again after the next "
            "discovery."
        ) from error
