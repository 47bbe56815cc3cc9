"""Which role may use which route (docs/architecture.md, "Who may use which route")."""

from collections.abc import Mapping
from typing import Literal, get_args

from msgspec import Struct

from gateway.api.auth import ANYBODY, Authenticator
from schemas.caller import Caller, Role
from schemas.configuration import AuthSettings, ServerSettings
from schemas.errors import ForbiddenError

RouteKind = Literal["discovery", "scoring", "monitor", "payloads", "operations", "probe"]
"""`monitor` is discovery and scoring below `/monitor`."""

_EVERYBODY: frozenset[Role] = frozenset(get_args(Role))
_ROLES: Mapping[RouteKind, frozenset[Role]] = {
    "discovery": _EVERYBODY,
    "scoring": _EVERYBODY,
    "monitor": frozenset({"monitor"}),
    "payloads": frozenset({"operator"}),
    "operations": frozenset({"operator"}),
    "probe": _EVERYBODY,
}
_MONITOR = Caller(None, "monitor")


class AccessPolicy(Struct, frozen=True):
    """What the configuration says about access.

    Attributes:
        mode: of `auth`.
        open_operator_routes: of `auth`; only looked at with `none`.
        public_operations: of `server`.
    """

    mode: Literal["basic", "none"]
    open_operator_routes: bool = False
    public_operations: bool = False

    def public(self, kind: RouteKind) -> bool:
        """Whether a route is served without a look at the credential."""
        return kind == "probe" or (kind == "operations" and self.public_operations)

    def allowed(self, caller: Caller, kind: RouteKind) -> bool:
        """Whether this caller may use this route."""
        if self.public(kind):
            return True
        if self.mode == "none":
            return kind != "payloads" or self.open_operator_routes
        return caller.role in _ROLES[kind]

    def admitted(self, caller: Caller, kind: RouteKind) -> Caller:
        """Return the caller as it counts on this route: where nobody authenticates, `/monitor` is the monitor's.

        Raises:
            ForbiddenError: its role may not do this.
        """
        if not self.allowed(caller, kind):
            raise ForbiddenError(self._why(kind))
        return _MONITOR if self.mode == "none" and kind == "monitor" else caller

    def _why(self, kind: RouteKind) -> str:
        if self.mode == "none":
            return "This route is closed while nobody authenticates: set auth.open_operator_routes to open it."
        roles = " or ".join(sorted(_ROLES[kind]))
        return f"This route needs a client with the role {roles}."


class Gate:
    """Authentication and access in one step, for every handler."""

    def __init__(self, authenticator: Authenticator, policy: AccessPolicy) -> None:
        self._authenticator = authenticator
        self._policy = policy

    async def admit(self, authorization: str | None, kind: RouteKind) -> Caller:
        """Return the caller of a request as it counts on this kind of route.

        Args:
            authorization: value of the `Authorization` header.
            kind: of the route.

        Raises:
            UnauthenticatedError: no credential, or a wrong one.
            ForbiddenError: its role may not do this.
            OverloadedError: too many passwords wait for being checked.
        """
        if self._policy.public(kind):
            return self._authenticator.known(authorization) or ANYBODY
        caller = self._authenticator.known(authorization) or await self._authenticator.authenticate(authorization)
        return self._policy.admitted(caller, kind)


def access_policy(auth: AuthSettings, server: ServerSettings) -> AccessPolicy:
    """Pick from the configuration what access depends on."""
    return AccessPolicy(
        mode=auth.mode,
        open_operator_routes=auth.open_operator_routes,
        public_operations=server.public_operations,
    )
