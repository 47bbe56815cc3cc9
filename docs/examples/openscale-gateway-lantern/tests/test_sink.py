from contextlib import AsyncExitStack

from lantern_emulator import LanternEmulator
from openscale_gateway_lantern.sink import plugin

from adapters.testing.conformance import Content, HttpSinkBench, HttpSinkConformance


class LanternBench(HttpSinkBench):
    plugin = plugin
    store_route = "feedback"
    secrets = ("token-of-the-tests",)

    async def start(self, stack: AsyncExitStack) -> dict[str, object]:
        self.emulator = self.lantern = await stack.enter_async_context(LanternEmulator(token=self.secrets[0]))
        return {"type": "lantern", "url": self.lantern.url, "token": self.secrets[0]}

    async def stored(self) -> list[str]:
        records = self.lantern.feedback
        return sorted(f"{id_}-{n}" for id_, record in records.items() for n in range(1, record["rows"] + 1))

    async def content(self, scoring_id: str) -> Content:
        return Content.of_record(self.lantern.feedback[scoring_id])

    async def refuse(self, scoring_id: str) -> None:
        self.lantern.refused.add(scoring_id)


class TestLanternFeedback(HttpSinkConformance):
    case = LanternBench
