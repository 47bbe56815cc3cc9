"""A Lantern server on loopback: models, and a feedback store."""

import json
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from adapters.testing.emulator import Emulator

TRAINED = "2026-01-02T03:04:05Z"


class LanternEmulator(Emulator):
    """Two models, `credit` and `fraud`: whoever is younger than 30 is a risk. Routes: `models`, `predict`, `feedback`.

    Attributes:
        feedback: records by their ids.
        refused: ids of records that are not taken.
    """

    def __init__(self, *, token: str) -> None:
        super().__init__(
            [
                web.get("/models", self._models, name="models"),
                web.post("/models/{name}/predict", self._predict, name="predict"),
                web.post("/feedback", self._feedback, name="feedback"),
            ]
        )
        self._authorization = f"Bearer {token}"
        self.feedback: dict[str, dict[str, Any]] = {}
        self.refused: set[str] = set()

    async def _models(self, request: web.Request) -> web.Response:
        self._authorize(request)
        models = [{"name": name, "columns": ["Age", "Job"], "trained": TRAINED} for name in ("credit", "fraud")]
        return web.json_response({"models": models})

    async def _predict(self, request: web.Request) -> web.Response:
        self._authorize(request)
        lines = (await request.text()).splitlines()
        answers = [
            f"label=%22{'Risk' if _age(line) < 30 else 'No%20Risk'}%22;p={_risk(_age(line))}\n" for line in lines
        ]
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


def _risk(age: int) -> float:
    return 0.75 if age < 30 else 0.25
