import msgspec
import pytest

from adapters.sinks.kafka.settings import READERS_GROUP, KafkaSettings

BASE = {"type": "kafka", "bootstrap_servers": "broker-1:9092", "topic": "payloads"}


def settings_of(**members: object) -> KafkaSettings:
    return msgspec.convert({**BASE, **members}, KafkaSettings)


@pytest.mark.parametrize("servers", ["", "broker", "broker:9092,", "a:1 b:2", "kafka://broker:9092/"])
def test_brokers_are_hosts_with_ports(servers: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="bootstrap_servers"):
        settings_of(bootstrap_servers=servers)


@pytest.mark.parametrize("topic", ["", "a b", "a/b", "{deployment}", "{deployment_id}{deployment_id}", ".", ".."])
def test_a_topic_is_a_name_that_kafka_allows(topic: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="topic"):
        settings_of(topic=topic)


def test_a_topic_has_room_for_the_longest_deployment_id() -> None:
    assert len(settings_of(topic="t" * 121 + "{deployment_id}").topic_of("d" * 128)) == 249
    with pytest.raises(msgspec.ValidationError, match="249 characters"):
        settings_of(topic="t" * 122 + "{deployment_id}")
    assert settings_of(topic="t" * 249).topic_of("credit-risk") == "t" * 249
    with pytest.raises(msgspec.ValidationError, match="249 characters"):
        settings_of(topic="t" * 250)


@pytest.mark.parametrize("name", ["enable.idempotence", "acks", "message.max.bytes", "transactional.id", "error_cb"])
def test_what_the_sink_promises_by_can_not_be_set_otherwise(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=name):
        settings_of(config={name: "0"})


def test_config_goes_to_the_client_but_does_not_weaken_it() -> None:
    options = settings_of(config={"compression.type": "zstd", "message.timeout.ms": 5}).client_options()
    assert options["compression.type"] == "zstd"
    assert options["message.timeout.ms"] == 5
    assert options["enable.idempotence"] is True
    assert options["acks"] == "all"


def test_config_opens_the_door_for_a_reader_but_can_t_let_it_commit_or_grow() -> None:
    config = {
        "sasl.mechanism": "PLAIN",
        "group.id": "theirs",
        "enable.auto.commit": True,
        "queued.max.messages.kbytes": 9,
    }
    options = settings_of(config=config).reader_options()
    assert options["sasl.mechanism"] == "PLAIN"
    assert options["group.id"] == READERS_GROUP
    assert options["enable.auto.commit"] is False
    assert options["queued.max.messages.kbytes"] == 16_384


@pytest.mark.parametrize(("largest", "together"), [(5_000, 5_000), (50_000_000, 1_000_000)])
def test_messages_that_go_together_are_no_larger_than_one_may_be(largest: int, together: int) -> None:
    options = settings_of(message_max_bytes=largest).client_options()
    assert options["message.max.bytes"] == largest
    assert options["batch.size"] == together
    assert int(options["queue.buffering.max.kbytes"]) * 1024 > largest


def test_no_value_of_config_shows_in_repr() -> None:
    assert "secret" not in repr(settings_of(config={"sasl.password": "secret"}))
