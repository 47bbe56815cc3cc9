from contextlib import AsyncExitStack

from adapters.sinks import openscale
from adapters.testing.conformance import HttpSinkBench
from adapters.testing.conformance.records import DEPLOYMENT
from adapters.testing.openscale import OpenScaleEmulator


class OpenScaleBench(HttpSinkBench):
    plugin = openscale.plugin
    store_route = "store"
    secrets = ("very-secret-apikey",)

    async def start(self, stack: AsyncExitStack) -> dict[str, object]:
        self.openscale = OpenScaleEmulator(apikey=self.secrets[0], data_sets=["ds-1"], polls=2)
        self.emulator = await stack.enter_async_context(self.openscale)
        return {
            "type": "openscale",
            "url": self.emulator.url,
            "apikey": self.secrets[0],
            "token_url": self.openscale.iam_url,
            "data_sets": {DEPLOYMENT: "ds-1"},
        }

    async def stored(self) -> list[str]:
        return [row["scoring_id"] for row in self.openscale.rows("ds-1")]

    async def refuse(self, scoring_id: str) -> None:
        self.openscale.refused.add(scoring_id)

    def expire_credentials(self) -> None:
        """Make what the sink has been issued so far worthless."""
        self.openscale.revoke_tokens()
