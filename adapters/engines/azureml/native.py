"""What the engine keeps in `Endpoint.native`: all that another process needs to call the endpoint."""

from typing import Literal

from adapters.base.native import NativeDetails, read_native
from schemas.deployment import Endpoint

AuthMode = Literal["key", "aml_token", "aad_token", "none"]


class Native(NativeDetails, frozen=True, kw_only=True, omit_defaults=True):
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


def native_of(endpoint: Endpoint) -> Native:
    """Read `endpoint.native`: see `read_native`."""
    return read_native(endpoint, Native, f"Azure ML endpoint {endpoint.name}")


def owner_of(name: str) -> str:
    """Return the online endpoint of an entry `<endpoint>` or `<endpoint>/<deployment>`: it has the key or token."""
    return name.partition("/")[0]
