"""Reads topics, for audits: with a consumer that belongs to no group and commits nothing. Blocking."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from adapters.base.holdings import Holding, Holdings, holding_of
from adapters.sinks.kafka.answers import advice
from adapters.sinks.kafka.client_log import ClientLog
from adapters.sinks.kafka.settings import READERS_GROUP, KafkaSettings
from schemas.errors import SinkUnavailableError

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

# A message is sent after its call began; but by the clock of another machine, where the brokers set the time.
_CLOCKS = timedelta(hours=1)
_ANSWER_SECONDS = 10.0
_STEP_SECONDS = 0.25
_POLL_SECONDS = 0.05
_MESSAGES_BYTES = 16_000_000
# To read needs other rights than to write.
_ADVICE = {
    "TOPIC_AUTHORIZATION_FAILED": "the user may not read the topic: grant READ and DESCRIBE on it",
    "GROUP_AUTHORIZATION_FAILED": f"the user may not name the group: grant READ on {READERS_GROUP}",
}
_NO_TOPIC = frozenset({"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC"})


class TopicReader:
    """Reads on where it has ended.

    Args:
        settings: of the sink.
        since: nothing is wanted of calls before it.

    Attributes:
        holdings: what was read.

    Raises:
        SinkUnavailableError: librdkafka does not take the properties for a consumer, or there is no room.
    """

    def __init__(self, settings: KafkaSettings, since: datetime) -> None:
        import confluent_kafka  # noqa: PLC0415 - slow, and optional

        self.since = since
        self.holdings = Holdings()
        # A thread that nobody waits for any more may still be at work; the client must not be closed under it.
        self._turn = threading.Lock()
        self._api = confluent_kafka
        self._at_once = max(1, min(1000, _MESSAGES_BYTES // settings.message_max_bytes))
        self._next: dict[tuple[str, int], int] = {}
        self._ends: dict[tuple[str, int], int] = {}
        self._trouble: KafkaError | None = None
        options = {**settings.reader_options(), "error_cb": self._troubled, "logger": ClientLog(settings)}
        with self._errors():
            self._client: Consumer = confluent_kafka.Consumer(options)

    def begin(self, topic: str, *, until: float) -> bool:
        """Look how far a topic goes by now; False: there is nothing more to read, or no such topic.

        Args:
            topic: to read.
            until: when to give up, by `time.monotonic`.

        Raises:
            SinkUnavailableError: it can't be told now.
        """
        with self._turn, self._errors():
            partitions = self._partitions(topic, until)
            self._ends = {
                (topic, one.partition): self._client.get_watermark_offsets(one, timeout=_left(until))[1]
                for one in partitions
            }
            self._look_up([one for one in partitions if (topic, one.partition) not in self._next], until)
            self._ends = {place: end for place, end in self._ends.items() if self._next[place] < end}
            self._client.assign([self._api.TopicPartition(*place, self._next[place]) for place in self._ends])
        return bool(self._ends)

    def step(self) -> bool:
        """Read for a fraction of a second; return whether that was all.

        Raises:
            SinkUnavailableError: it can't be told now.
        """
        found: list[Holding] = []
        ahead: dict[tuple[str, int], int] = {}
        until = time.monotonic() + _STEP_SECONDS
        with self._turn, self._errors():
            while self._ends and time.monotonic() < until:
                for message in self._client.consume(self._at_once, timeout=_POLL_SECONDS):
                    found += self._taken(message, ahead)
            # Together: what is not kept is read again.
            self.holdings.add(found)
            self._next |= ahead
            if not self._ends:
                self._client.unassign()
            return not self._ends

    def late(self, topic: str) -> SinkUnavailableError:
        """Return the error for a topic that could not be read in time: its brokers are gone, or it is too long."""
        if self._trouble is not None:
            return _unavailable(self._trouble.name())
        return SinkUnavailableError(f"The topic {topic} holds more than can be read in the time that there is for it.")

    def close(self) -> None:
        """Close the connections, and forget what was read."""
        with self._turn:
            self._client.close()
            self.holdings.close()

    def _partitions(self, topic: str, until: float) -> "Sequence[TopicPartition]":
        found = self._client.list_topics(topic, timeout=_left(until)).topics[topic]
        if found.error is None:
            return [self._api.TopicPartition(topic, number) for number in found.partitions]
        if found.error.name() in _NO_TOPIC:
            return ()
        raise _unavailable(found.error.name())

    def _look_up(self, partitions: "Sequence[TopicPartition]", until: float) -> None:
        """Find where to begin in partitions: the earliest message that is as late as wanted."""
        if not partitions:
            return
        moment = int((self.since - _CLOCKS).timestamp() * 1000)
        wanted = [self._api.TopicPartition(one.topic, one.partition, moment) for one in partitions]
        for place in self._client.offsets_for_times(wanted, timeout=_left(until)):
            if place.error is not None:
                raise _unavailable(place.error.name())
            # None is as late, or the brokers can't tell: what they have is read.
            offset = place.offset if place.offset >= 0 else self._lowest(place, until)
            self._next[place.topic, place.partition] = offset

    def _lowest(self, place: "TopicPartition", until: float) -> int:
        return self._client.get_watermark_offsets(place, timeout=_left(until))[0]

    def _taken(self, message: "Message", ahead: dict[tuple[str, int], int]) -> Iterator[Holding]:
        place = (message.topic() or "", message.partition() or 0)
        error = message.error()
        if error is not None and error.code() != self._api.KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            raise _unavailable(error.name())
        # At its end a partition tells the next offset.
        ahead[place] = (message.offset() or 0) + (error is None)
        if error is not None or ahead[place] >= self._ends.get(place, 0):
            self._ends.pop(place, None)
        if error is None:
            self._trouble = None
            # What others have put into the topic is none of ours.
            with suppress(msgspec.MsgspecError):
                yield holding_of(message.value() or b"")

    def _troubled(self, error: "KafkaError") -> None:
        self._trouble = error

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._api.KafkaException as error:
            raise _unavailable((self._trouble or error.args[0]).name()) from None


def _left(until: float) -> float:
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise SinkUnavailableError("There is no time left to ask Kafka what it holds.")
    return min(seconds, _ANSWER_SECONDS)


def _unavailable(name: str) -> SinkUnavailableError:
    return SinkUnavailableError(f"Kafka can't be asked what it holds ({name}): {_ADVICE.get(name) or advice(name)}.")
