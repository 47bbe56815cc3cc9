from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from adapters.sinks.kafka import KafkaSettings, connect
from adapters.sinks.kafka.inventory import Inventory
from adapters.testing.conformance.records import DEPLOYMENT, batch_of, in_seconds, payload_record
from adapters.testing.conformance.transport import gateway_transport
from tests.fakes.kafka import KafkaCluster

TOPIC = f"payloads-{DEPLOYMENT}"
DAY = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def cluster() -> Iterator[KafkaCluster]:
    with KafkaCluster() as cluster:
        cluster.create(TOPIC, partitions=2)
        yield cluster


def settings_of(cluster: KafkaCluster) -> KafkaSettings:
    settings = {
        "type": "kafka",
        "bootstrap_servers": cluster.bootstrap_servers,
        "topic": "payloads-{deployment_id}",
        "config": {"linger.ms": 1},
    }
    return msgspec.convert(settings, KafkaSettings)


async def deliver(cluster: KafkaCluster, *scoring_ids: str) -> None:
    records = [payload_record(scoring_id=scoring_id) for scoring_id in scoring_ids]
    async with gateway_transport() as transport, connect(settings_of(cluster), transport) as sink:
        await sink.send(batch_of(records, TOPIC), deadline=in_seconds(10))


async def held(inventory: Inventory, start: datetime, deployment_id: str = DEPLOYMENT) -> list[str]:
    end = start + timedelta(days=1)
    asked = inventory.held(deployment_id, start=start, end=end, deadline=in_seconds(10))
    return sorted([one.scoring_id async for one in asked])


async def test_a_batch_that_came_again_is_held_twice(cluster: KafkaCluster) -> None:
    await deliver(cluster, "a", "b")
    await deliver(cluster, "b", "c")
    inventory = Inventory(settings_of(cluster))
    assert await held(inventory, DAY) == ["a", "b", "b", "c"]
    await inventory.close()


async def test_an_earlier_time_is_answered_too(cluster: KafkaCluster) -> None:
    await deliver(cluster, "a")
    inventory = Inventory(settings_of(cluster))
    assert await held(inventory, DAY + timedelta(days=1)) == []
    assert await held(inventory, DAY) == ["a"]
    await inventory.close()


async def test_each_deployment_is_asked_for_in_its_own_topic(cluster: KafkaCluster) -> None:
    await deliver(cluster, "a")
    inventory = Inventory(settings_of(cluster))
    assert await held(inventory, DAY, "another") == []
    assert await held(inventory, DAY) == ["a"]
    await inventory.close()
