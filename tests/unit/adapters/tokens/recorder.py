"""A transport that answers from a list and keeps what was sent, and what it answers with."""

import asyncio

import msgspec

from adapters.base import Response


class Recorder:
    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, str, bytes]] = []
        self.headers: list[dict[str, str]] = []

    async def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes = b"", **others: object
    ) -> Response:
        self.sent.append((method, url, body))
        self.headers.append(headers)
        return self.answers.pop(0)


def reply(**members: object) -> Response:
    return Response(200, {}, msgspec.json.encode(members))


def refusal(status: int, **members: object) -> Response:
    return Response(status, {}, msgspec.json.encode(members))


def in_seconds(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds
