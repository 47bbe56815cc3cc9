"""Apache Kafka: one message a record, keyed by its deployment, so that a deployment's records stay in order.

The client is librdkafka's idempotent producer (Confluent's Python client). A batch is stored when every message of it
is acknowledged by all replicas in sync (KIP-98, and the configuration properties of librdkafka: `enable.idempotence`,
`acks`).
"""

from adapters.sinks.kafka.settings import KafkaSettings
from adapters.sinks.kafka.sink import Kafka, connect, plugin

__all__ = ["Kafka", "KafkaSettings", "connect", "plugin"]
