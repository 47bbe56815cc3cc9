from contextlib import AsyncExitStack

from adapters.sinks import openscale
from adapters.testing.conformance import Content, HttpSinkBench
from adapters.testing.conformance.records import DEPLOYMENT
from adapters.testing.openscale import OpenScaleEmulator


class OpenScaleBench(HttpSinkBench):
    """API v2, with tokens of IBM Cloud."""

    plugin = openscale.plugin
    store_route = "store"
    secrets = ("very-secret-apikey",)
    table = "ds-1"

    async def start(self, stack: AsyncExitStack) -> dict[str, object]:
        self.openscale = OpenScaleEmulator(apikey=self.secrets[0], data_sets=[self.table], polls=2)
        self.emulator = await stack.enter_async_context(self.openscale)
        return {
            "type": "openscale",
            "url": self.emulator.url,
            "apikey": self.secrets[0],
            "token_url": self.openscale.iam_url,
            "data_sets": {DEPLOYMENT: self.table},
        }

    async def stored(self) -> list[str]:
        return [row["scoring_id"] for row in self.openscale.rows(self.table)]

    async def content(self, scoring_id: str) -> Content:
        rows = self.openscale.rows(self.table)
        return Content.of_flat_rows([row for row in rows if row["scoring_id"].rpartition("-")[0] == scoring_id])

    async def refuse(self, scoring_id: str) -> None:
        self.openscale.refused.add(scoring_id)

    def expire_credentials(self) -> None:
        """Make what the sink has been issued so far worthless."""
        self.openscale.revoke_tokens()


class OpenScaleV1Bench(OpenScaleBench):
    """API v1, with tokens of a cluster."""

    store_route = "store_v1"
    secrets = ("very-secret-password",)
    table = "subscription-1"

    async def start(self, stack: AsyncExitStack) -> dict[str, object]:
        self.openscale = OpenScaleEmulator(
            username="user", password=self.secrets[0], subscriptions=[self.table], polls=2
        )
        self.emulator = await stack.enter_async_context(self.openscale)
        return {
            "type": "openscale",
            "api": "v1",
            "url": self.emulator.url,
            "username": "user",
            "password": self.secrets[0],
            "subscriptions": {DEPLOYMENT: {"binding_id": "binding-1", "subscription_id": self.table}},
        }
