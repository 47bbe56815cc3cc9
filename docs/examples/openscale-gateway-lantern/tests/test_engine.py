from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from lantern_emulator import LanternEmulator
from openscale_gateway_lantern.engine import LanternSettings, plugin

from adapters.base import NativeRequest
from adapters.testing.conformance import Counterpart, EngineCase, EngineConformance, KnownCall, http_failures
from schemas.deployment import Limits

TOKEN = "token-of-the-tests"
RISK, NO_RISK = b"label=%22Risk%22;p=0.75\n", b"label=%22No%20Risk%22;p=0.25\n"


def request(*ages: int) -> NativeRequest:
    rows = "".join(f"Age={age};Job=%22clerk%22\n" for age in ages)
    return NativeRequest(rows.encode(), "text/x-keyvalue", "text/x-keyvalue")


@asynccontextmanager
async def started() -> AsyncIterator[Counterpart]:
    def settings(url: str, token: str = TOKEN, **options: Any) -> LanternSettings:
        return msgspec.convert({"type": "lantern", "url": url, "token": token} | options, LanternSettings)

    async with LanternEmulator(token=TOKEN) as emulator:
        yield Counterpart(
            emulator=emulator,
            settings=settings(emulator.url, endpoints={"credit": {"limits": {"max_rows": 100}}}),
            settings_at=lambda url: settings(url, discover=False, endpoints={"credit": {}}),
            wrong_credentials=settings(emulator.url, "another"),
            endpoint="credit",
            request=request(33),
            answer=NO_RISK,
            others=[KnownCall("credit", request(22, 33), RISK + NO_RISK), KnownCall("fraud", request(33), RISK)],
            secrets=[TOKEN],
            limits=Limits(max_rows=100),
        )


class TestLantern(EngineConformance):
    case = EngineCase(
        plugin=plugin,
        start=started,
        failures=http_failures("predict", body=b'{"error": "words of the model"}', words="words of the model"),
        scoring_route="predict",
        control_route="models",
        scoring_id_header="X-Call-Id",
    )
