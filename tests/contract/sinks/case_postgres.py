import asyncio
import json
from contextlib import AsyncExitStack

from adapters.sinks import postgres
from adapters.testing.conformance import Content, LinkFault, SinkBench
from tests.fakes.postgres_link import PostgresLink
from tests.postgres_server import PASSWORD, PostgresServer


class PostgresBench(SinkBench):
    plugin = postgres.plugin
    secrets = (PASSWORD,)

    async def start(self, stack: AsyncExitStack) -> dict[str, object]:
        self.server: PostgresServer = self.request.getfixturevalue("postgres_server")
        self.database = await self.server.create_database()
        self.link = await stack.enter_async_context(PostgresLink(self.server.port))
        return {"type": "postgres", "dsn": self.server.dsn(self.database, port=self.link.port)}

    async def stop(self) -> None:
        await self.link.__aexit__(None, None, None)

    async def stored(self) -> list[str]:
        return [row[0] for row in await self.server.fetch(self.database, "SELECT id FROM payload_records ORDER BY 1")]

    async def content(self, scoring_id: str) -> Content:
        query = "SELECT scoring_id, request, response FROM payload_records ORDER BY n"
        rows = [row for row in await self.server.fetch(self.database, query) if row[0] == scoring_id]
        return Content([json.loads(row[1]) for row in rows], [json.loads(row[2]) for row in rows])

    async def refuse(self, scoring_id: str) -> None:
        await self.deliver(self.batch("makes-the-table"))
        await self.server.execute(
            self.database,
            "TRUNCATE payload_records;"
            f"ALTER TABLE payload_records ADD CONSTRAINT unwanted CHECK (scoring_id <> '{scoring_id}')",
        )

    def play(self, fault: LinkFault) -> None:
        self.link.play(fault)

    async def seen(self) -> None:
        async with asyncio.timeout(10):
            await self.link.inserted()
