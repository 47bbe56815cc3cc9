"""librdkafka's own mock cluster, on loopback, driven through its C API (rdkafka_mock.h)."""

import asyncio
import ctypes
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import confluent_kafka
from confluent_kafka import Consumer, TopicPartition

_PRODUCER = 0
PRODUCE, FETCH = 0, 1
"""ApiKeys of ProduceRequest and FetchRequest."""


def _library() -> ctypes.CDLL:
    """Return the librdkafka that Confluent's client is linked with."""
    package = Path(confluent_kafka.__file__).parent
    bundled = sorted((package.parent / "confluent_kafka.libs").glob("librdkafka*"))
    library = ctypes.CDLL(str(bundled[0]) if bundled else "librdkafka.so.1")
    handle, text = ctypes.c_void_p, ctypes.c_char_p
    library.rd_kafka_conf_new.restype = handle
    library.rd_kafka_conf_set.argtypes = [handle, text, text, text, ctypes.c_size_t]
    library.rd_kafka_new.restype = handle
    library.rd_kafka_new.argtypes = [ctypes.c_int, handle, text, ctypes.c_size_t]
    library.rd_kafka_destroy.argtypes = [handle]
    library.rd_kafka_mock_cluster_new.restype = handle
    library.rd_kafka_mock_cluster_new.argtypes = [handle, ctypes.c_int]
    library.rd_kafka_mock_cluster_destroy.argtypes = [handle]
    library.rd_kafka_mock_cluster_bootstraps.restype = text
    library.rd_kafka_mock_cluster_bootstraps.argtypes = [handle]
    library.rd_kafka_mock_topic_create.argtypes = [handle, text, ctypes.c_int, ctypes.c_int]
    library.rd_kafka_mock_partition_set_leader.argtypes = [handle, text, ctypes.c_int32, ctypes.c_int32]
    library.rd_kafka_mock_broker_set_down.argtypes = [handle, ctypes.c_int32]
    library.rd_kafka_mock_broker_set_up.argtypes = [handle, ctypes.c_int32]
    library.rd_kafka_mock_broker_set_rtt.argtypes = [handle, ctypes.c_int32, ctypes.c_int]
    library.rd_kafka_mock_clear_request_errors.argtypes = [handle, ctypes.c_int16]
    library.rd_kafka_mock_start_request_tracking.argtypes = [handle]
    library.rd_kafka_mock_get_requests.restype = ctypes.POINTER(handle)
    library.rd_kafka_mock_get_requests.argtypes = [handle, ctypes.POINTER(ctypes.c_size_t)]
    library.rd_kafka_mock_request_destroy_array.argtypes = [ctypes.POINTER(handle), ctypes.c_size_t]
    library.rd_kafka_mock_request_api_key.restype = ctypes.c_int16
    library.rd_kafka_mock_request_api_key.argtypes = [handle]
    library.rd_kafka_mock_push_request_errors_array.argtypes = [
        handle,
        ctypes.c_int16,
        ctypes.c_size_t,
        ctypes.POINTER(ctypes.c_int),
    ]
    return library


class KafkaCluster:
    """Three brokers, as long as it is entered. Topics appear when they are written to.

    It acknowledges and keeps what it is sent, but does not tell repeats by sequence numbers as real brokers do.
    """

    def __init__(self) -> None:
        self._library = _library()
        self._client: int | None = None
        self._cluster: int | None = None
        self._brokers = range(1, 4)

    def __enter__(self) -> Self:
        problem = ctypes.create_string_buffer(256)
        conf = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(conf, b"log_level", b"0", problem, len(problem))
        self._client = self._library.rd_kafka_new(_PRODUCER, conf, problem, len(problem))
        assert self._client, problem.value
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, len(self._brokers))
        self._library.rd_kafka_mock_start_request_tracking(self._cluster)
        self.bootstrap_servers = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it: nobody listens any more."""
        if self._cluster is not None:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._library.rd_kafka_destroy(self._client)
            self._cluster = self._client = None

    def go_down(self) -> None:
        """Close all connections, and refuse new ones."""
        for broker in self._brokers:
            self._library.rd_kafka_mock_broker_set_down(self._cluster, broker)

    def come_up(self) -> None:
        for broker in self._brokers:
            self._library.rd_kafka_mock_broker_set_up(self._cluster, broker)

    def slow_down(self, milliseconds: int) -> None:
        """Answer every request so much later."""
        for broker in self._brokers:
            self._library.rd_kafka_mock_broker_set_rtt(self._cluster, broker, milliseconds)

    def fail_produce(self, *errors: int) -> None:
        """Answer the next requests to produce with these error codes; nothing of them is stored."""
        self._fail(PRODUCE, errors)

    def fail_fetch(self, *errors: int) -> None:
        """Answer the next requests to fetch with these error codes."""
        self._fail(FETCH, errors)

    def _fail(self, api_key: int, errors: Sequence[int]) -> None:
        codes = (ctypes.c_int * len(errors))(*errors)
        self._library.rd_kafka_mock_push_request_errors_array(self._cluster, api_key, len(errors), codes)

    def forget_errors(self) -> None:
        self._library.rd_kafka_mock_clear_request_errors(self._cluster, PRODUCE)

    async def produced(self, times: int = 1) -> None:
        """Wait until that many requests to produce have arrived since the start, answered or not."""
        while self._n_produced() < times:
            await asyncio.sleep(0.01)

    def _n_produced(self) -> int:
        n_requests = ctypes.c_size_t()
        requests = self._library.rd_kafka_mock_get_requests(self._cluster, n_requests)
        keys = [self._library.rd_kafka_mock_request_api_key(requests[n]) for n in range(n_requests.value)]
        self._library.rd_kafka_mock_request_destroy_array(requests, n_requests)
        return keys.count(PRODUCE)

    def create(self, topic: str, *, partitions: int = 1) -> None:
        self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, 1)

    def change_leader(self, topic: str, *, partition: int, broker: int) -> None:
        """Let another broker (1 to 3) lead a partition; the one that did refuses to."""
        changed = self._library.rd_kafka_mock_partition_set_leader(self._cluster, topic.encode(), partition, broker)
        assert changed == 0

    async def messages(self, topic: str) -> Sequence[confluent_kafka.Message]:
        """Return what the topic holds, in the order of each partition."""
        return await asyncio.to_thread(self._messages, topic)

    def _messages(self, topic: str) -> Sequence[confluent_kafka.Message]:
        consumer = Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": "reader", "log_level": 0})
        try:
            partitions = consumer.list_topics(topic, 10).topics[topic].partitions
            ends = {n: consumer.get_watermark_offsets(TopicPartition(topic, n), 10)[1] for n in partitions}
            consumer.assign([TopicPartition(topic, n, 0) for n in partitions])
            found = consumer.consume(sum(ends.values()), 10) if any(ends.values()) else []
        finally:
            consumer.close()
        assert len(found) == sum(ends.values())
        return found
