import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Any

import msgspec
from confluent_kafka import KafkaError

from adapters.base import Batch, Settlement
from adapters.sinks import kafka
from adapters.testing.conformance import Content, LinkFault, SinkBench
from adapters.testing.conformance.records import in_seconds
from schemas.errors import SinkUnavailableError
from tests.fakes.kafka import KafkaCluster

_TOPIC = "payloads"


class KafkaBench(SinkBench):
    """A batch that comes again stands in the topic twice; its consumers count a record once.

    The client repeats by itself what fails on its way, so a fault lasts until the next delivery.
    """

    plugin = kafka.plugin
    secrets = ("very-secret-password",)
    tells_repeats = False
    _fault: LinkFault | None = None

    async def start(self, stack: AsyncExitStack) -> dict[str, object]:
        self.cluster = stack.enter_context(KafkaCluster())
        self.cluster.create(_TOPIC)
        return {
            "type": "kafka",
            "bootstrap_servers": self.cluster.bootstrap_servers,
            "topic": _TOPIC,
            # The pause lets the messages of a batch go out together.
            "config": {"message.timeout.ms": 2_000, "linger.ms": 50, "sasl.password": self.secrets[0]},
        }

    async def stop(self) -> None:
        self.cluster.close()

    async def stored(self) -> list[str]:
        self._recover()
        return sorted(
            f"{record['scoring_id']}-{n}" for record in await self._records() for n in range(1, record["rows"] + 1)
        )

    async def content(self, scoring_id: str) -> Content:
        return Content.of_record(next(item for item in await self._records() if item["scoring_id"] == scoring_id))

    async def refuse(self, scoring_id: str) -> None:
        """Refuse the two requests in which the test sends the record: brokers don't look into messages."""
        self.cluster.fail_produce(KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.MSG_SIZE_TOO_LARGE)

    def play(self, fault: LinkFault) -> None:
        self._fault = fault
        match fault:
            case "lose":
                self.cluster.slow_down(6_000)
            case "stall":
                self.cluster.fail_produce(*[KafkaError.REQUEST_TIMED_OUT] * 1_000)
            case _:
                self.cluster.go_down()

    async def seen(self) -> None:
        async with asyncio.timeout(10):
            await self.cluster.produced()

    async def deliver(self, batch: Batch) -> Settlement:
        """Deliver as the shipper does, again and again; a stall lasts until what it held up has had its time."""
        if self._fault == "stall":
            with suppress(SinkUnavailableError):
                await self.sink.send(batch, deadline=in_seconds(10))
        self._recover()
        for _ in range(5):
            with suppress(SinkUnavailableError):
                return await super().deliver(batch)
        raise AssertionError("the sink did not recover")

    async def _records(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(message.value()) for message in await self.cluster.messages(_TOPIC)]

    def _recover(self) -> None:
        if self._fault is not None:
            self.cluster.slow_down(0)
            self.cluster.forget_errors()
            self.cluster.come_up()
        self._fault = None
