import asyncio
from abc import abstractmethod
from collections.abc import Iterable
from contextlib import AsyncExitStack

import msgspec

from adapters.sinks import object_store
from adapters.testing.conformance import HttpSinkBench
from tests.fakes.object_stores import AZURE_KEY, S3_KEYS, AzureBlobs, Objects, s3


class ObjectStoreBench(HttpSinkBench):
    """Reads as readers should: a record counts once, though a repeat in other cuts may stand in two objects."""

    plugin = object_store.plugin
    store_route = "store"
    emulator: Objects

    @abstractmethod
    def bodies(self) -> Iterable[bytes]:
        """Return the objects."""

    async def stored(self) -> list[str]:
        lines = [line for body in await asyncio.to_thread(self.bodies) for line in body.splitlines()]
        records = [msgspec.json.decode(line) for line in lines]
        return sorted({f"{record['scoring_id']}-{n}" for record in records for n in range(1, record["rows"] + 1)})

    async def refuse(self, scoring_id: str) -> None:
        self.emulator.refused.add(scoring_id)


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
