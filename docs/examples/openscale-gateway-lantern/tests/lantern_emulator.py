"""A Lantern server on loopback: models, and a feedback store.

    python tests/lantern_emulator.py

serves at `LANTERN_URL` whoever has the token `LANTERN_TOKEN`, until it is interrupted.
"""

import asyncio
import json
import os
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from aiohttp import web

from adapters.testing.emulator import Emulator

TRAINED = "2026-01-02T03:04:05Z"
RISKY_BELOW = {"credit": 30, "fraud": 60}


class LanternEmulator(Emulator):
    """Two models, to which the younger are a risk. Routes: `models`, `predict`, `feedback`.

    Attributes:
        feedback: records by their ids.
        refused: ids of records that are not taken.
    """

    def __init__(self, *, token: str, port: int = 0) -> None:
        super().__init__(
            [
                web.get("/models", self._models, name="models"),
                web.post("/models/{name}/predict", self._predict, name="predict"),
                web.post("/feedback", self._feedback, name="feedback"),
            ],
            port=port,
        )
        self._authorization = f"Bearer {token}"
        self.feedback: dict[str, dict[str, Any]] = {}
        self.refused: set[str] = set()

    async def _models(self, request: web.Request) -> web.Response:
        self._authorize(request)
        models = [{"name": name, "columns": ["Age", "Job"], "trained": TRAINED} for name in RISKY_BELOW]
        return web.json_response({"models": models})

    async def _predict(self, request: web.Request) -> web.Response:
        self._authorize(request)
        below = RISKY_BELOW[request.match_info["name"]]
        ages = [_age(line) for line in (await request.text()).splitlines()]
        answers = ["label=%22Risk%22;p=0.75\n" if age < below else "label=%22No%20Risk%22;p=0.25\n" for age in ages]
        return web.Response(text="".join(answers), content_type="text/x-keyvalue")

    async def _feedback(self, request: web.Request) -> web.Response:
        self._authorize(request)
        records = [json.loads(line) for line in (await request.text()).splitlines()]
        if any(record["scoring_id"] in self.refused for record in records):
            return web.json_response({"error": "unwanted"}, status=422)
        for record in records:
            self.feedback.setdefault(record["scoring_id"], record)
        return web.Response(status=204)

    def _authorize(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != self._authorization:
            raise web.HTTPUnauthorized(text=json.dumps({"error": "wrong token"}))


def _age(line: str) -> int:
    cells = dict(pair.split("=") for pair in line.split(";"))
    return int(json.loads(unquote(cells["Age"])))


async def _serve() -> None:
    port = urlsplit(os.environ["LANTERN_URL"]).port or 80
    async with LanternEmulator(token=os.environ["LANTERN_TOKEN"], port=port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve())
