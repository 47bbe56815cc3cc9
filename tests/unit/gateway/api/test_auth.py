import asyncio
from base64 import b64encode
from collections.abc import Iterator

import argon2
import pytest

from gateway.api import auth
from gateway.api.auth import Authenticator
from schemas.caller import Caller
from schemas.configuration import AuthSettings, ClientSettings
from schemas.errors import OverloadedError, UnauthenticatedError

SLOW_HASH = argon2.PasswordHasher(time_cost=2, memory_cost=8 * 1024, parallelism=1).hash("slow:pass")
CLIENTS = {
    "openscale": ClientSettings(password="m:on", role="monitor"),
    "loans-app": ClientSettings(password="grün€", role="application"),
    "latin": ClientSettings(password="grün", role="application"),
    "ops": ClientSettings(password_hash=SLOW_HASH, role="operator"),
}
PLAIN = {name: client for name, client in CLIENTS.items() if client.password is not None}


def basic(user: str, password: str, *, encoding: str = "utf-8", scheme: str = "Basic") -> str:
    return f"{scheme} {b64encode(f'{user}:{password}'.encode(encoding)).decode()}"


@pytest.fixture(params=[PLAIN, CLIENTS], ids=["plain", "with a hash"])
def authenticator(request: pytest.FixtureRequest) -> Iterator[Authenticator]:
    authenticator = Authenticator(AuthSettings(clients=request.param))
    yield authenticator
    authenticator.close()


@pytest.fixture
def hashing() -> Iterator[Authenticator]:
    authenticator = Authenticator(AuthSettings(clients=CLIENTS))
    yield authenticator
    authenticator.close()


@pytest.mark.parametrize(
    ("header", "caller"),
    [
        (basic("openscale", "m:on"), Caller("openscale", "monitor")),
        (basic("loans-app", "grün€"), Caller("loans-app", "application")),
        (basic("latin", "grün", encoding="latin-1"), Caller("latin", "application")),
        (basic("latin", "grün"), Caller("latin", "application")),
        (basic("openscale", "m:on", scheme="bAsIc"), Caller("openscale", "monitor")),
        (basic("openscale", "m:on", scheme="Basic "), Caller("openscale", "monitor")),
    ],
)
async def test_a_right_credential_names_its_caller(authenticator: Authenticator, header: str, caller: Caller) -> None:
    assert await authenticator.authenticate(header) == caller


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic é",
        "Basic \udcff",
        "Basic " + b64encode(b"openscale").decode(),
        "Bearer " + b64encode(b"openscale:m:on").decode(),
        basic("openscale", "m"),
        basic("openscale", ""),
        basic("openscale", "m:on\x00"),
        basic("", "m:on"),
        basic("nobody", "m:on"),
        basic("OPENSCALE", "m:on"),
        basic("loans-app", "m:on"),
    ],
)
async def test_any_other_credential_is_refused_and_not_remembered(
    authenticator: Authenticator, header: str | None
) -> None:
    with pytest.raises(UnauthenticatedError):
        await authenticator.authenticate(header)
    assert authenticator.known(header) is None


async def test_unknown_user_and_wrong_password_are_answered_alike(authenticator: Authenticator) -> None:
    messages = set()
    for header in (basic("openscale", "wrong"), basic("nobody", "wrong")):
        with pytest.raises(UnauthenticatedError) as refusal:
            await authenticator.authenticate(header)
        messages.add(str(refusal.value))
    assert len(messages) == 1


async def test_a_verified_header_is_known_from_then_on(authenticator: Authenticator) -> None:
    header = basic("openscale", "m:on")
    assert authenticator.known(header) is None
    caller = await authenticator.authenticate(header)
    assert authenticator.known(header) == caller
    assert authenticator.known(header + "x") is None


async def test_a_hash_is_checked_beside_the_loop(hashing: Authenticator) -> None:
    """The loop turns many times while one password is being checked, so nothing else waits for it."""
    checking = asyncio.ensure_future(hashing.authenticate(basic("ops", "slow:pass")))
    turns = 0
    while not checking.done():
        await asyncio.sleep(0)
        turns += 1
    assert checking.result() == Caller("ops", "operator")
    assert turns > 10


async def test_one_credential_sent_many_times_at_once_waits_once(hashing: Authenticator) -> None:
    header = basic("ops", "slow:pass")
    callers = await asyncio.gather(*(hashing.authenticate(header) for _ in range(auth.MAX_WAITING * 5)))
    assert set(callers) == {Caller("ops", "operator")}


async def test_too_many_different_credentials_at_once_are_refused_for_now(hashing: Authenticator) -> None:
    headers = [basic("ops", str(n)) for n in range(auth.MAX_WAITING + 5)]
    answers = await asyncio.gather(*(hashing.authenticate(header) for header in headers), return_exceptions=True)
    kinds = [type(answer) for answer in answers]
    assert kinds == [UnauthenticatedError] * auth.MAX_WAITING + [OverloadedError] * 5
    assert await hashing.authenticate(basic("ops", "slow:pass")) == Caller("ops", "operator")


async def test_a_caller_that_gives_up_does_not_disturb_another_with_the_same_credential(
    hashing: Authenticator,
) -> None:
    header = basic("ops", "slow:pass")
    impatient = asyncio.ensure_future(hashing.authenticate(header))
    patient = asyncio.ensure_future(hashing.authenticate(header))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == Caller("ops", "operator")
    assert impatient.cancelled()


async def test_the_memory_of_credentials_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "MAX_REMEMBERED", 2)
    authenticator = Authenticator(AuthSettings(clients=PLAIN))
    headers = [basic("openscale", "m:on", scheme=scheme) for scheme in ("basic", "BASIC", "Basic")]
    for header in headers:
        await authenticator.authenticate(header)
    assert [authenticator.known(header) is not None for header in headers] == [False, True, True]


@pytest.mark.parametrize("header", [None, "", "Bearer x", basic("nobody", "x")])
async def test_without_authentication_everybody_is_an_application(header: str | None) -> None:
    authenticator = Authenticator(AuthSettings(mode="none"))
    assert authenticator.known(header) == Caller(None, "application")
    assert await authenticator.authenticate(header) == Caller(None, "application")
