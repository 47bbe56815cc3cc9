"""What the engine keeps in `Endpoint.native`: all that another process needs to call the web service."""

from adapters.base.native import NativeDetails


class Native(NativeDetails, frozen=True, kw_only=True, omit_defaults=True):
    """How to call a web service.

    Attributes:
        url: absolute, with its query.
        key: as it was last discovered; None where the configuration has it, or it could not be fetched.
        arm_id: where Azure Resource Manager is to be asked for the key.
    """

    url: str
    key: str | None = None
    arm_id: str | None = None
