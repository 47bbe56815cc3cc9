import asyncio
import sys
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
from confluent_kafka import KafkaError

from adapters.sinks.kafka.producer import GIVEN_UP, Message, Producer, Reports
from adapters.sinks.kafka.settings import KafkaSettings
from schemas.errors import ConfigurationError, MissingExtraError
from tests.fakes.kafka import KafkaCluster

TOPIC = "payloads"


@pytest.fixture
def cluster() -> Iterator[KafkaCluster]:
    with KafkaCluster() as cluster:
        cluster.create(TOPIC)
        yield cluster


def settings_of(cluster: KafkaCluster, **config: object) -> KafkaSettings:
    members = {
        "type": "kafka",
        "bootstrap_servers": cluster.bootstrap_servers,
        "topic": TOPIC,
        "message_max_bytes": 10_000,
        "config": {"linger.ms": 50, **config},
    }
    return msgspec.convert(members, KafkaSettings)


@pytest.fixture
async def producer(cluster: KafkaCluster) -> AsyncIterator[Producer]:
    producer = Producer(settings_of(cluster), asyncio.get_running_loop())
    yield producer
    await producer.close()


def messages(*values: bytes) -> list[Message]:
    return [Message(b"credit-risk", value, [("n", b"1")]) for value in values]


async def test_reports_are_complete_when_every_message_has_been_acknowledged(
    cluster: KafkaCluster, producer: Producer
) -> None:
    reports = producer.publish(TOPIC, messages(b"1", b"2", b"3"))
    assert not reports.complete
    await reports.wait()
    assert reports.complete
    assert reports.errors == {}
    assert [message.value() for message in await cluster.messages(TOPIC)] == [b"1", b"2", b"3"]


async def test_a_message_that_is_too_large_is_named_and_the_others_go_out(
    cluster: KafkaCluster, producer: Producer
) -> None:
    reports = producer.publish(TOPIC, messages(b"1", b"x" * 10_001, b"3"))
    await reports.wait()
    assert reports.oversized == [1]
    assert reports.errors == {}
    assert [message.value() for message in await cluster.messages(TOPIC)] == [b"1", b"3"]


async def test_errors_of_brokers_are_reported_by_name(cluster: KafkaCluster, producer: Producer) -> None:
    cluster.fail_produce(KafkaError.INVALID_RECORD)
    reports = producer.publish(TOPIC, messages(b"1", b"2"))
    await reports.wait()
    assert reports.errors == {0: "INVALID_RECORD", 1: "INVALID_RECORD"}


async def test_behind_a_message_that_is_not_taken_none_is_tried(cluster: KafkaCluster, producer: Producer) -> None:
    cluster.fail_produce(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    await producer.publish(TOPIC, messages(b"1")).wait()
    reports = producer.publish(TOPIC, messages(b"2", b"3"))
    assert reports.errors == {0: "TOPIC_AUTHORIZATION_FAILED", 1: "TOPIC_AUTHORIZATION_FAILED"}


async def test_a_fatal_error_breaks_the_producer_and_ends_all_its_reports(
    cluster: KafkaCluster, producer: Producer
) -> None:
    await producer.publish(TOPIC, messages(b"1")).wait()
    cluster.fail_produce(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
    reports = producer.publish(TOPIC, messages(b"2"))
    async with asyncio.timeout(10):
        await reports.wait()
    assert list(reports.errors) == [0]
    assert producer.broken
    assert producer.publish(TOPIC, messages(b"3")).errors.keys() == {0}


async def test_closing_gives_up_what_is_not_acknowledged(cluster: KafkaCluster) -> None:
    producer = Producer(settings_of(cluster), asyncio.get_running_loop())
    cluster.go_down()
    reports = producer.publish(TOPIC, messages(b"1"))
    async with asyncio.timeout(10):
        await producer.close()
        await reports.wait()
    assert list(reports.errors) == [0]


async def test_the_clients_own_last_error_tells_why_nothing_gets_through(cluster: KafkaCluster) -> None:
    cluster.go_down()
    producer = Producer(settings_of(cluster, **{"message.timeout.ms": 1_000}), asyncio.get_running_loop())
    reports = producer.publish(TOPIC, messages(b"1"))
    await reports.wait()
    assert reports.errors == {0: "_MSG_TIMED_OUT"}
    assert producer.last_error == "_TRANSPORT"
    cluster.come_up()
    async with asyncio.timeout(20):
        while producer.last_error is not None:
            await producer.publish(TOPIC, messages(b"2")).wait()
    await producer.close()


def test_a_report_that_comes_late_changes_nothing() -> None:
    reports = Reports(2)
    reports.end(0, None)
    reports.end_all(GIVEN_UP)
    reports.end(1, None)
    reports.end(0, "LATE")
    assert reports.errors == {1: GIVEN_UP}


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"no.such.property": "very-secret"}, "no.such.property"),
        ({"compression.type": "very-secret"}, "compression"),
        ({"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"}, "sasl.username and sasl.password must be set"),
    ],
)
async def test_properties_that_the_client_does_not_take_are_named_without_values(
    cluster: KafkaCluster, config: dict[str, str], problem: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Producer(settings_of(cluster, **config), asyncio.get_running_loop())
    assert problem in caught.value.message
    assert "very-secret" not in caught.value.message


async def test_without_the_client_library_the_message_says_what_to_install(
    cluster: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(MissingExtraError, match=r"openscale-gateway\[kafka\]"):
        Producer(settings_of(cluster), asyncio.get_running_loop())
