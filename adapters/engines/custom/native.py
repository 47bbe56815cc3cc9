"""What the engine keeps in `Endpoint.native`: all that another process needs to call the deployment."""

from msgspec import field

from adapters.base.native import NativeDetails


class Native(NativeDetails, frozen=True, kw_only=True, omit_defaults=True):
    """How to call a deployment.

    Attributes:
        url: absolute; it may have a query.
        headers: those that the other engine lists for this URL; they may hold a key.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict)
