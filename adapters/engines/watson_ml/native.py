"""What the engine keeps in `Endpoint.native`: all that another process needs to call the deployment."""

from adapters.base.native import NativeDetails


class Native(NativeDetails, frozen=True, kw_only=True, omit_defaults=True):
    """Which deployment to call: its id, or its serving name."""

    id: str
