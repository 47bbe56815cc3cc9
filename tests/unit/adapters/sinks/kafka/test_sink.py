import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
from confluent_kafka import KafkaError

from adapters.base import RecordFilter, Sink
from adapters.sinks.kafka import KafkaSettings, connect, plugin
from adapters.testing.conformance.records import CANARY, batch_of, in_seconds, payload_record
from gateway.transport import HttpTransport
from schemas.errors import ConfigurationError, SinkRefusedError, SinkUnavailableError
from tests.fakes.kafka import KafkaCluster

TOPIC = "payloads-credit-risk"


@pytest.fixture
def cluster() -> Iterator[KafkaCluster]:
    with KafkaCluster() as cluster:
        cluster.create(TOPIC, partitions=4)
        yield cluster


@pytest.fixture
async def kafka(cluster: KafkaCluster, transport: HttpTransport) -> AsyncIterator[Sink]:
    async with connect(settings_of(cluster), transport) as sink:
        yield sink


def settings_of(cluster: KafkaCluster, **members: object) -> KafkaSettings:
    base = {
        "type": "kafka",
        "bootstrap_servers": cluster.bootstrap_servers,
        "topic": "payloads-{deployment_id}",
        "message_max_bytes": 5_000,
        "config": {"linger.ms": 50},
    }
    return msgspec.convert({**base, **members}, KafkaSettings)


async def send(kafka: Sink, *scoring_ids: str, width: int = 0, seconds: float = 10) -> object:
    batch = batch_of([payload_record(scoring_id=each, width=width) for each in scoring_ids], TOPIC)
    return await kafka.settle(await kafka.send(batch, deadline=in_seconds(seconds)), deadline=in_seconds(1))


async def scoring_ids(cluster: KafkaCluster) -> list[str]:
    return [msgspec.json.decode(message.value())["scoring_id"] for message in await cluster.messages(TOPIC)]


async def test_a_record_is_its_own_line_keyed_by_deployment_with_its_marks_in_the_headers(
    cluster: KafkaCluster, kafka: Sink
) -> None:
    record = payload_record(2)
    await kafka.send(batch_of([record], kafka.partition(record)), deadline=in_seconds(10))
    (message,) = await cluster.messages(TOPIC)
    assert message.value() == record.encode()
    assert message.key() == b"credit-risk"
    assert message.headers() == [
        ("content-type", b"application/json"),
        ("scoring_id", record.scoring_id.encode()),
        ("outcome", b"scored"),
        ("origin", b"application"),
    ]


async def test_records_of_a_deployment_stay_in_order_in_one_partition(cluster: KafkaCluster, kafka: Sink) -> None:
    for first in range(0, 30, 3):
        await send(kafka, *(f"{n:02}" for n in range(first, first + 3)))
    assert await scoring_ids(cluster) == [f"{n:02}" for n in range(30)]
    assert len({message.partition() for message in await cluster.messages(TOPIC)}) == 1


async def test_a_record_beyond_the_largest_message_is_refused_by_name_and_costs_no_other(
    cluster: KafkaCluster, kafka: Sink
) -> None:
    records = [
        payload_record(scoring_id="a"),
        payload_record(scoring_id="b", width=5_000),
        payload_record(scoring_id="c"),
    ]
    receipt = await kafka.send(batch_of(records, TOPIC), deadline=in_seconds(10))
    settlement = await kafka.settle(receipt, deadline=in_seconds(1))
    assert settlement.state == "stored"
    assert [refusal.scoring_id for refusal in settlement.refused] == ["b"]
    assert "message_max_bytes" in settlement.refused[0].reason
    assert CANARY not in settlement.refused[0].reason
    assert await scoring_ids(cluster) == ["a", "c"]


async def test_a_topic_that_allows_less_than_the_sink_lets_the_culprit_be_looked_for(
    cluster: KafkaCluster, kafka: Sink
) -> None:
    cluster.fail_produce(KafkaError.MSG_SIZE_TOO_LARGE)
    with pytest.raises(SinkRefusedError):
        await send(kafka, "a", "b")


async def test_what_brokers_repeat_by_themselves_is_no_failure(cluster: KafkaCluster, kafka: Sink) -> None:
    cluster.fail_produce(KafkaError.NOT_ENOUGH_REPLICAS, KafkaError.NOT_LEADER_FOR_PARTITION)
    await send(kafka, "a", "b")
    assert await scoring_ids(cluster) == ["a", "b"]


async def test_a_change_of_leader_costs_no_attempt_and_no_order(cluster: KafkaCluster, kafka: Sink) -> None:
    for broker in (1, 2, 3):
        for partition in range(4):
            cluster.change_leader(TOPIC, partition=partition, broker=broker)
        await send(kafka, f"{broker}-a", f"{broker}-b")
    assert await scoring_ids(cluster) == ["1-a", "1-b", "2-a", "2-b", "3-a", "3-b"]


async def test_a_fatal_error_costs_one_attempt_then_another_producer_works(cluster: KafkaCluster, kafka: Sink) -> None:
    await send(kafka, "a")
    cluster.fail_produce(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
    with pytest.raises(SinkUnavailableError):
        await send(kafka, "b")
    await asyncio.gather(send(kafka, "b"), send(kafka, "c"))
    assert sorted(await scoring_ids(cluster)) == ["a", "b", "c"]


async def test_a_right_that_is_granted_later_is_found_without_a_restart(
    cluster: KafkaCluster, transport: HttpTransport
) -> None:
    config = {"topic.metadata.refresh.interval.ms": 200, "linger.ms": 0}
    async with connect(settings_of(cluster, config=config), transport) as kafka:
        cluster.fail_produce(KafkaError.TOPIC_AUTHORIZATION_FAILED)
        with pytest.raises(SinkUnavailableError, match="grant WRITE"):
            await send(kafka, "a")
        async with asyncio.timeout(10):
            while not await taken(kafka, "a"):
                await asyncio.sleep(0.05)
    assert await scoring_ids(cluster) == ["a"]


async def taken(kafka: Sink, scoring_id: str) -> bool:
    try:
        await send(kafka, scoring_id)
    except SinkUnavailableError:
        return False
    return True


async def test_an_attempt_that_was_left_ends_before_the_next_begins(cluster: KafkaCluster, kafka: Sink) -> None:
    await send(kafka, "before")
    cluster.slow_down(700)
    with pytest.raises(SinkUnavailableError, match="in time"):
        await send(kafka, "a", "b", seconds=0.1)
    cluster.slow_down(0)
    await send(kafka, "a", "b", "c")
    ids = await scoring_ids(cluster)
    assert ids[:3] == ["before", "a", "b"]
    assert ids[-3:] == ["a", "b", "c"]


async def test_brokers_that_are_down_cost_an_attempt_and_nothing_else(
    cluster: KafkaCluster, transport: HttpTransport
) -> None:
    async with connect(settings_of(cluster, config={"message.timeout.ms": 1_000}), transport) as kafka:
        cluster.go_down()
        with pytest.raises(SinkUnavailableError, match="bootstrap_servers"):
            await send(kafka, "a")
        cluster.come_up()
        async with asyncio.timeout(20):
            while not await taken(kafka, "a"):
                pass
    assert set(await scoring_ids(cluster)) == {"a"}


async def test_the_loop_goes_on_while_brokers_are_slow(cluster: KafkaCluster, kafka: Sink) -> None:
    await send(kafka, "before")
    cluster.slow_down(500)
    sending = asyncio.create_task(send(kafka, "a"))
    turns = 0
    while not sending.done():
        turns += 1
        await asyncio.sleep(0.01)
    await sending
    assert turns > 10


async def test_no_error_and_no_log_line_holds_a_payload_value_or_a_secret(
    cluster: KafkaCluster, transport: HttpTransport, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    config = {"linger.ms": 50, "ssl.key.password": "very-secret"}
    texts = []
    async with connect(settings_of(cluster, config=config), transport) as kafka:
        for code in (KafkaError.INVALID_RECORD, KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER):
            cluster.fail_produce(code)
            with pytest.raises((SinkUnavailableError, SinkRefusedError)) as caught:
                await send(kafka, "a", "b")
            texts.append(f"{caught.value} {caught.value!r} {caught.value.__cause__!r}")
        texts += [repr(kafka), caplog.text, *capfd.readouterr()]
    assert CANARY not in "\n".join(texts)
    assert "very-secret" not in "\n".join(texts)


async def test_a_client_that_can_not_be_made_stops_the_start_and_says_why(
    cluster: KafkaCluster, transport: HttpTransport
) -> None:
    with pytest.raises(ConfigurationError, match=r"no\.such\.property"):
        async with connect(settings_of(cluster, config={"no.such.property": 1}), transport):
            raise AssertionError("it was made")


async def test_the_filter_is_what_the_settings_select(cluster: KafkaCluster, transport: HttpTransport) -> None:
    settings = settings_of(cluster, deployments=["credit-risk"], origins=["application"])
    async with connect(settings, transport) as kafka:
        assert kafka.filter == RecordFilter(
            deployments=frozenset({"credit-risk"}), outcomes=None, origins=frozenset({"application"})
        )


def test_the_plugin_is_named_as_the_configuration_names_it() -> None:
    assert plugin.kind == "kafka"
    assert plugin.settings is KafkaSettings
