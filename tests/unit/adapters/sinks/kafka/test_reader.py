import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import msgspec
import pytest
from confluent_kafka import KafkaError, Producer

from adapters.sinks.kafka.reader import TopicReader
from adapters.sinks.kafka.settings import KafkaSettings
from adapters.testing.conformance.records import DEPLOYMENT, payload_record
from schemas.errors import SinkUnavailableError
from tests.fakes.kafka import KafkaCluster

TOPIC = "payloads"
DAY, NEXT_DAY = datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def cluster() -> Iterator[KafkaCluster]:
    with KafkaCluster() as cluster:
        cluster.create(TOPIC, partitions=3)
        yield cluster


@pytest.fixture
async def reader(cluster: KafkaCluster) -> AsyncIterator[TopicReader]:
    settings = {"type": "kafka", "bootstrap_servers": cluster.bootstrap_servers, "topic": TOPIC}
    reader = TopicReader(msgspec.convert(settings, KafkaSettings), DAY)
    yield reader
    await asyncio.to_thread(reader.close)


def publish(cluster: KafkaCluster, *values: bytes | None) -> None:
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers, "log_level": 0})
    for number, value in enumerate(values):
        producer.produce(TOPIC, value, partition=number % 3)
    assert producer.flush(10) == 0
    producer.close()


def line(scoring_id: str) -> bytes:
    return payload_record(scoring_id=scoring_id).encode()


async def read(reader: TopicReader, topic: str = TOPIC) -> list[str]:
    """Read to the end; return the ids of all that was read so far."""
    more = await asyncio.to_thread(reader.begin, topic, until=time.monotonic() + 10)
    while more:
        more = not await asyncio.to_thread(reader.step)
    return sorted([one.scoring_id async for one in reader.holdings.held(DEPLOYMENT, start=DAY, end=NEXT_DAY)])


async def test_all_partitions_are_read_to_their_ends_and_no_message_twice(
    cluster: KafkaCluster, reader: TopicReader
) -> None:
    ids = [f"{n:03}" for n in range(100)]
    publish(cluster, *map(line, ids))
    assert await read(reader) == ids
    assert await read(reader) == ids
    publish(cluster, line("later"))
    assert await read(reader) == [*ids, "later"]


async def test_what_others_have_put_into_the_topic_is_passed_over(cluster: KafkaCluster, reader: TopicReader) -> None:
    publish(cluster, None, b"", b"no JSON", b'{"scoring_id": "strange"}', line("a"))
    assert await read(reader) == ["a"]


async def test_a_topic_that_is_empty_or_does_not_exist_holds_nothing(reader: TopicReader) -> None:
    assert await read(reader) == []
    assert await read(reader, "no-such-topic") == []


async def test_brokers_that_go_away_are_the_reason_that_is_given(cluster: KafkaCluster, reader: TopicReader) -> None:
    publish(cluster, line("a"))
    # So slow that the message is still on its way.
    cluster.slow_down(150)
    assert await asyncio.to_thread(reader.begin, TOPIC, until=time.monotonic() + 10)
    assert "in the time that there is" in reader.late(TOPIC).message
    cluster.go_down()
    async with asyncio.timeout(10):
        while "check `bootstrap_servers`" not in reader.late(TOPIC).message:
            assert not await asyncio.to_thread(reader.step)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "grant READ and DESCRIBE"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "grant READ on openscale-gateway-audit"),
    ],
)
async def test_a_right_that_is_missing_is_named(
    cluster: KafkaCluster, reader: TopicReader, error: int, words: str
) -> None:
    publish(cluster, line("a"))
    cluster.fail_fetch(*[error] * 10)
    with pytest.raises(SinkUnavailableError, match=words):
        await read(reader)


@pytest.mark.parametrize("largest", [1_000, 1_000_000_000])
def test_a_reader_can_be_made_for_messages_of_any_size(largest: int) -> None:
    settings = {"type": "kafka", "bootstrap_servers": "127.0.0.1:1", "topic": TOPIC, "message_max_bytes": largest}
    TopicReader(msgspec.convert(settings, KafkaSettings), DAY).close()


def test_properties_that_a_reader_can_t_be_made_with_are_unavailable_and_not_quoted() -> None:
    config = {"fetch.max.bytes": 2_147_483_135, "ssl.key.password": "very-secret"}
    settings = {"type": "kafka", "bootstrap_servers": "127.0.0.1:1", "topic": TOPIC, "config": config}
    with pytest.raises(SinkUnavailableError, match="_INVALID_ARG") as caught:
        TopicReader(msgspec.convert(settings, KafkaSettings), DAY)
    assert "very-secret" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_no_time_left_is_unavailable(reader: TopicReader) -> None:
    with pytest.raises(SinkUnavailableError, match="no time left"):
        await asyncio.to_thread(reader.begin, TOPIC, until=time.monotonic() - 1)
