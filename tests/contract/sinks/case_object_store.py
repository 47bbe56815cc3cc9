import asyncio
from abc import abstractmethod
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Any

import msgspec

from adapters.sinks import object_store
from adapters.testing.conformance import Content, HttpSinkBench
from tests.fakes.object_stores import AZURE_KEY, S3_KEYS, AzureBlobs, Objects, s3


class ObjectStoreBench(HttpSinkBench):
    """A record that comes again in other cuts may stand in two objects; their readers count it once."""

    plugin = object_store.plugin
    store_route = "store"
    tells_repeats = False
    emulator: Objects

    @abstractmethod
    def bodies(self) -> Iterable[bytes]:
        """Return the objects."""

    async def stored(self) -> list[str]:
        records = await self._records()
        return sorted(f"{record['scoring_id']}-{n}" for record in records for n in range(1, record["rows"] + 1))

    async def content(self, scoring_id: str) -> Content:
        return Content.of_record(next(item for item in await self._records() if item["scoring_id"] == scoring_id))

    async def refuse(self, scoring_id: str) -> None:
        self.emulator.refused.add(scoring_id)

    async def _records(self) -> list[dict[str, Any]]:
        bodies = await asyncio.to_thread(self.bodies)
        return [msgspec.json.decode(line) for body in bodies for line in body.splitlines()]


class S3Bench(ObjectStoreBench):
    secrets = (S3_KEYS[1],)

    async def start(self, stack: AsyncExitStack) -> dict[str, object]:
        self.s3 = self.emulator = await stack.enter_async_context(s3())
        credentials = {"access_key_id": S3_KEYS[0], "secret_access_key": S3_KEYS[1]}
        return {
            "type": "object_store",
            "url": f"s3://{self.s3.bucket}/payload",
            "format": "jsonl",
            "s3": {"endpoint_url": self.s3.url, "region": "us-east-1", "credentials": credentials},
        }

    def bodies(self) -> Iterable[bytes]:
        return self.s3.objects().values()


class AzureBlobBench(ObjectStoreBench):
    secrets = (AZURE_KEY,)

    async def start(self, stack: AsyncExitStack) -> dict[str, object]:
        self.blobs = self.emulator = await stack.enter_async_context(AzureBlobs())
        return {
            "type": "object_store",
            "url": "azure://records/payload",
            "format": "jsonl",
            "azure": {"account_url": f"{self.blobs.url}/account", "account_key": AZURE_KEY},
        }

    def bodies(self) -> Iterable[bytes]:
        return list(self.blobs.blobs.values())
