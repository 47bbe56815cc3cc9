from base64 import b64encode
from typing import get_args

import pytest

from gateway.api.access import AccessPolicy, Gate, RouteKind, access_policy
from gateway.api.auth import Authenticator
from schemas.caller import Caller, Role
from schemas.configuration import AuthSettings, ClientSettings, ServerSettings
from schemas.errors import ForbiddenError, UnauthenticatedError

ROUTES: dict[RouteKind, set[Role]] = {
    "discovery": {"application", "monitor", "operator"},
    "scoring": {"application", "monitor", "operator"},
    "monitor": {"monitor"},
    "payloads": {"operator"},
    "operations": {"operator"},
    "probe": {"application", "monitor", "operator"},
}
CLOSED = "payloads"
SETTINGS = AuthSettings(
    clients={
        "app": ClientSettings(password="a", role="application"),
        "mon": ClientSettings(password="m", role="monitor"),
    }
)


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def test_the_table_names_every_kind_of_route() -> None:
    assert set(ROUTES) == set(get_args(RouteKind))


@pytest.mark.parametrize("kind", ROUTES)
@pytest.mark.parametrize("role", get_args(Role))
def test_a_role_may_use_the_routes_of_the_table_alone(kind: RouteKind, role: Role) -> None:
    policy, caller = AccessPolicy("basic"), Caller("x", role)
    assert policy.allowed(caller, kind) == (role in ROUTES[kind])
    if role in ROUTES[kind]:
        assert policy.admitted(caller, kind) == caller
    else:
        with pytest.raises(ForbiddenError, match="role"):
            policy.admitted(caller, kind)


def test_public_operations_are_for_any_role() -> None:
    policy = AccessPolicy("basic", public_operations=True)
    assert policy.allowed(Caller("x", "application"), "operations")
    assert not policy.allowed(Caller("x", "application"), "payloads")


def test_open_operator_routes_are_looked_at_without_authentication_only() -> None:
    anybody = Caller(None, "application")
    assert not AccessPolicy("none").allowed(anybody, "payloads")
    assert AccessPolicy("none", open_operator_routes=True).allowed(anybody, "payloads")
    assert not AccessPolicy("basic", open_operator_routes=True).allowed(Caller("x", "application"), "payloads")
    with pytest.raises(ForbiddenError, match="open_operator_routes"):
        AccessPolicy("none").admitted(anybody, "payloads")


@pytest.mark.parametrize("kind", sorted(set(ROUTES) - {CLOSED}))
async def test_without_authentication_all_other_routes_are_open(kind: RouteKind) -> None:
    settings = AuthSettings(mode="none")
    gate = Gate(Authenticator(settings), access_policy(settings, ServerSettings()))
    expected: Role = "monitor" if kind == "monitor" else "application"
    assert await gate.admit(None, kind) == Caller(None, expected)


async def test_the_gate_asks_for_a_credential_and_then_for_its_role() -> None:
    gate = Gate(Authenticator(SETTINGS), access_policy(SETTINGS, ServerSettings()))
    assert await gate.admit(basic("mon", "m"), "monitor") == Caller("mon", "monitor")
    with pytest.raises(ForbiddenError):
        await gate.admit(basic("app", "a"), "monitor")
    with pytest.raises(UnauthenticatedError):
        await gate.admit(None, "monitor")
    with pytest.raises(UnauthenticatedError):
        await gate.admit(basic("app", "wrong"), "discovery")


async def test_public_routes_are_open_whatever_the_header_says() -> None:
    gate = Gate(Authenticator(SETTINGS), access_policy(SETTINGS, ServerSettings(public_operations=True)))
    for header in (None, "nonsense", basic("app", "wrong")):
        for kind in ("operations", "probe"):
            assert (await gate.admit(header, kind)).role == "application"
