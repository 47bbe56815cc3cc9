import asyncio
from collections.abc import Iterator

import pytest

from adapters.base import Response, Token
from adapters.base.bearer import PAUSE_SECONDS, BearerExchanges
from schemas.errors import EngineRefusedError


class Numbered:
    """Issues t1, and another one for each that is rejected."""

    def __init__(self) -> None:
        self.issued = 1

    async def token(self, *, deadline: float, rejected: Token | None = None) -> Token:
        if rejected is not None and rejected.value == f"t{self.issued}":
            self.issued += 1
        return Token(f"t{self.issued}", float("inf"))


class Platform:
    def __init__(self, statuses: Iterator[int]) -> None:
        self.statuses = statuses
        self.seen: list[str] = []

    async def send(self, authorization: str) -> Response:
        self.seen.append(authorization)
        return Response(next(self.statuses), {}, b"")


async def made(exchanges: BearerExchanges, platform: Platform) -> int:
    deadline = asyncio.get_running_loop().time() + 10
    return (await exchanges.make(platform.send, deadline=deadline)).status


@pytest.mark.parametrize("status", [200, 403, 500])
async def test_any_answer_but_401_is_the_answer(status: int) -> None:
    platform = Platform(iter([status]))
    assert await made(BearerExchanges(Numbered()), platform) == status
    assert platform.seen == ["Bearer t1"]


async def test_a_refused_token_is_replaced_once() -> None:
    platform = Platform(iter([401, 200, 200]))
    exchanges = BearerExchanges(Numbered())
    assert [await made(exchanges, platform), await made(exchanges, platform)] == [200, 200]
    assert platform.seen == ["Bearer t1", "Bearer t2", "Bearer t2"]


async def test_where_another_token_does_not_help_none_is_asked_for_until_the_pause_is_over() -> None:
    now = 0.0
    tokens, platform = Numbered(), Platform(iter([401] * 7))
    exchanges = BearerExchanges(tokens, clock=lambda: now)
    assert [await made(exchanges, platform) for _ in range(3)] == [401, 401, 401]
    assert (tokens.issued, len(platform.seen)) == (2, 4)
    now = PAUSE_SECONDS
    await made(exchanges, platform)
    assert (tokens.issued, len(platform.seen)) == (3, 6)


async def test_a_source_that_has_no_other_token_says_why() -> None:
    class Fixed:
        async def token(self, *, deadline: float, rejected: Token | None = None) -> Token:
            if rejected is not None:
                raise EngineRefusedError("The token may have expired.")
            return Token("t1", float("inf"))

    with pytest.raises(EngineRefusedError, match="may have expired"):
        await made(BearerExchanges(Fixed()), Platform(iter([401])))
