"""The transport that a plugin is tested with: the one that the gateway lends, found as a plugin is."""

from contextlib import AbstractAsyncContextManager
from importlib.metadata import entry_points
from typing import cast

from adapters.base import Transport

GROUP = "openscale_gateway.testing"
NAME = "transport"


def gateway_transport() -> AbstractAsyncContextManager[Transport]:
    """Return the gateway's own HTTP client, to be opened in the loop that uses it.

    Raises:
        LookupError: openscale-gateway is not installed (a source folder on the path is not enough).
    """
    found = list(entry_points(group=GROUP, name=NAME))
    if not found:
        raise LookupError(f"There is no entry point {GROUP}:{NAME}: install openscale-gateway with pip.")
    return cast("AbstractAsyncContextManager[Transport]", found[0].load()())
