"""The configuration of a Kafka sink, and what the client is told of it."""

from typing import Annotated

from msgspec import Meta, field

from schemas.configuration import Doc, SelectingSinkSettings

Option = Annotated[str | int | float | bool, Meta(extra_json_schema={"writeOnly": True})]

DEPLOYMENT_ID = "{deployment_id}"
READERS_GROUP = "openscale-gateway-audit"
_MAX_TOPIC = 249
_MAX_DEPLOYMENT_ID = 128

# Other values of these would break a promise of the sink, or contradict a key of its own.
_OWN = frozenset(
    {
        "bootstrap.servers",
        "metadata.broker.list",
        "enable.idempotence",
        "enable.gapless.guarantee",
        "acks",
        "request.required.acks",
        "message.max.bytes",
        "queue.buffering.max.kbytes",
        "queue.buffering.max.messages",
        "transactional.id",
    }
)
_CALLBACKS = ("_cb", "logger", "partitioner_callback")


class KafkaSettings(SelectingSinkSettings, frozen=True, kw_only=True):
    """Which brokers, which topic, and how to get in."""

    bootstrap_servers: Annotated[
        str,
        Doc(
            "Brokers to begin with, as `broker-1:9092,broker-2:9092`.",
            pattern=r"^[^\s,]+:\d+(,[^\s,]+:\d+)*$",
            extra_json_schema={"x-expected": "host:port, or several of them with commas between"},
        ),
    ]
    topic: Annotated[
        str,
        Doc(
            "Topic of the records; `{deployment_id}` in it stands for the deployment's public id. It has to exist, "
            "unless the brokers create topics by themselves.",
            pattern=r"^[A-Za-z0-9._-]*(\{deployment_id\})?[A-Za-z0-9._-]*$",
            min_length=1,
            extra_json_schema={"x-expected": "letters, digits, dots, dashes, underscores and one `{deployment_id}`"},
        ),
    ]
    message_max_bytes: Annotated[
        int,
        Doc(
            "Largest message, in bytes; a record beyond it goes to the dead letters. At most what the topic allows "
            "(`max.message.bytes`, 1048588 by default).",
            ge=1_000,
            le=1_000_000_000,
        ),
    ] = 1_000_000
    config: Annotated[
        dict[str, Option],
        Doc(
            "Further properties of librdkafka: `security.protocol`, `sasl.*`, `ssl.*`, `compression.type`, "
            "`message.timeout.ms` and so on."
        ),
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what can't be a topic, and properties that are the sink's own.

        Raises:
            ValueError: with a sentence that says what is needed.
        """
        variable = DEPLOYMENT_ID in self.topic
        longest = len(self.topic) + (_MAX_DEPLOYMENT_ID - len(DEPLOYMENT_ID) if variable else 0)
        if longest > _MAX_TOPIC or self.topic in (".", ".."):
            raise ValueError(f"`topic` must be a name of at most {_MAX_TOPIC} characters, the longest id included")
        own = sorted(name for name in self.config if name in _OWN or name.endswith(_CALLBACKS))
        if own:
            raise ValueError(f"`config` can't set what the sink decides itself: {', '.join(own)}")

    def topic_of(self, deployment_id: str) -> str:
        """Return the topic of a deployment's records."""
        return self.topic.replace(DEPLOYMENT_ID, deployment_id)

    def client_options(self) -> dict[str, str | int | float | bool]:
        """Return the properties of librdkafka's producer."""
        return {
            # A message that gets through by then counts as failed and comes again; below the shipper's patience.
            "message.timeout.ms": 30_000,
            "client.id": "openscale-gateway",
            # A topic that was created, or opened to us, is found after this long instead of five minutes.
            "topic.metadata.refresh.interval.ms": 10_000,
            "topic.metadata.propagation.max.ms": 10_000,
            "reconnect.backoff.max.ms": 5_000,
            # A batch of the protocol is judged as one message, so none may exceed what a message may be.
            "batch.size": min(self.message_max_bytes, 1_000_000),
            **self.config,
            "bootstrap.servers": self.bootstrap_servers,
            "enable.idempotence": True,
            "acks": "all",
            "message.max.bytes": self.message_max_bytes,
            "queue.buffering.max.kbytes": max(65_536, 2 * self.message_max_bytes // 1024),
        }

    def reader_options(self) -> dict[str, str | int | float | bool]:
        """Return the properties of the consumer that reads topics for an audit."""
        return {
            "client.id": "openscale-gateway",
            "reconnect.backoff.max.ms": 5_000,
            **self.config,
            "bootstrap.servers": self.bootstrap_servers,
            # Asked for, though it joins none: partitions are assigned by hand, and no offset is committed.
            "group.id": READERS_GROUP,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            # Where retention removes what is about to be read, the rest counts.
            "auto.offset.reset": "earliest",
            "allow.auto.create.topics": False,
            "queued.max.messages.kbytes": 16_384,
            "message.max.bytes": self.message_max_bytes,
            "receive.message.max.bytes": min(max(100_000_000, 2 * self.message_max_bytes), 2_147_483_647),
        }
