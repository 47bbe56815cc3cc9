"""The producer of Confluent's client, whose callbacks come in the one thread that polls it."""

import asyncio
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct

from adapters.sinks.kafka.client_log import ClientLog, without
from adapters.sinks.kafka.settings import KafkaSettings
from schemas.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, KafkaException

GIVEN_UP = "_DESTROY"
"""What librdkafka calls messages of a client that is gone."""
_POLL_SECONDS = 0.1
_FLUSH_SECONDS = 1.0
_CLOSE_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Message(Struct, frozen=True):
    """What goes into a topic."""

    key: bytes
    value: bytes
    headers: list[tuple[str, str | bytes | None]]


class Reports:
    """What becomes of the messages of a batch, by their number from 0.

    Attributes:
        oversized: messages beyond `message_max_bytes`: never sent.
        errors: the name of the error of each message that failed otherwise.
    """

    def __init__(self, n_messages: int) -> None:
        self.oversized: list[int] = []
        self.errors: dict[int, str] = {}
        self._open = set(range(n_messages))
        self._complete = asyncio.Event()

    @property
    def complete(self) -> bool:
        """Whether every message has ended."""
        return not self._open

    async def wait(self) -> None:
        """Wait until every message has ended: at the latest when the messages' own time is over."""
        await self._complete.wait()

    def end(self, number: int, error: str | None) -> None:
        """Note the end of a message; None: it is stored."""
        if error is not None and number in self._open:
            self.errors[number] = error
        self._close(number)

    def end_oversized(self, number: int) -> None:
        """Note that a message is too large."""
        self.oversized.append(number)
        self._close(number)

    def end_all(self, error: str) -> None:
        """Note the end of all that have not ended yet."""
        for number in sorted(self._open):
            self.end(number, error)

    def _close(self, number: int) -> None:
        self._open.discard(number)
        if not self._open:
            self._complete.set()


class Producer:
    """An idempotent producer with the thread that polls it; made in any thread, used on the loop's.

    Args:
        settings: of the sink.
        loop: where it is used.

    Attributes:
        broken: it takes nothing any more; another one has to be made.
        last_error: name of the client's last error, such as a refused login; None when messages get through.

    Raises:
        ConfigurationError: librdkafka doesn't take the properties.
        MissingExtraError: confluent-kafka is not installed.
    """

    def __init__(self, settings: KafkaSettings, loop: asyncio.AbstractEventLoop) -> None:
        try:
            import confluent_kafka  # noqa: PLC0415 - slow, and optional
        except ImportError as error:
            raise MissingExtraError(needed_by="Sink type kafka", package="confluent-kafka", extra="kafka") from error
        self.broken = False
        self.last_error: str | None = None
        self._loop = loop
        self._exception: type[KafkaException] = confluent_kafka.KafkaException
        self._too_large = confluent_kafka.KafkaError.MSG_SIZE_TOO_LARGE
        self._unfinished: set[Reports] = set()
        options = {**settings.client_options(), "error_cb": self._troubled, "logger": ClientLog(settings)}
        try:
            self._client = confluent_kafka.Producer(options)
        except self._exception as error:
            problem = without(settings.config.values(), error.args[0].str())
            raise ConfigurationError([f"sink type kafka: librdkafka does not take `config`: {problem}"]) from None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="kafka-producer", daemon=True)
        self._thread.start()

    def publish(self, topic: str, messages: Sequence[Message]) -> Reports:
        """Hand messages over, in order, without waiting.

        When one can't be taken, those behind it are not tried, so that none overtakes it.
        """
        reports = Reports(len(messages))
        self._unfinished = {other for other in self._unfinished if not other.complete} | {reports}
        for number, message in enumerate(messages):
            failure = self._publish(topic, message, number, reports)
            if failure is not None:
                for skipped in range(number, len(messages)):
                    reports.end(skipped, failure)
                break
        return reports

    async def close(self) -> None:
        """Give up what is not acknowledged yet, and report it so."""
        self._closing.set()
        await asyncio.to_thread(self._thread.join, _CLOSE_SECONDS)
        self._end()

    def _publish(self, topic: str, message: Message, number: int, reports: Reports) -> str | None:
        """Hand over one message; return why not."""

        def delivered(error: "KafkaError | None", _: object) -> None:
            self._loop.call_soon_threadsafe(self._delivered, reports, number, error.name() if error else None)

        try:
            self._client.produce(topic, message.value, message.key, headers=message.headers, on_delivery=delivered)
        except BufferError:
            return "_QUEUE_FULL"
        except RuntimeError:  # its thread has closed it, which the loop has yet to hear of
            self.broken = True
            return GIVEN_UP
        except self._exception as error:
            fault: KafkaError = error.args[0]
            if fault.code() == self._too_large:
                reports.end_oversized(number)
                return None
            self.broken = self.broken or fault.fatal()
            return fault.name()
        return None

    def _delivered(self, reports: Reports, number: int, error: str | None) -> None:
        if error is None:
            self.last_error = None
        reports.end(number, error)

    def _troubled(self, error: "KafkaError") -> None:
        self._loop.call_soon_threadsafe(self._note, error.name())

    def _note(self, name: str) -> None:
        # That all brokers are down follows from anything, and would hide why.
        if name != "_ALL_BROKERS_DOWN" or self.last_error is None:
            self.last_error = name

    def _end(self) -> None:
        self.broken = True
        for reports in self._unfinished:
            reports.end_all(GIVEN_UP)
        self._unfinished = set()

    def _serve(self) -> None:
        try:
            while not self._closing.is_set():
                self._client.poll(_POLL_SECONDS)
            self._client.purge()
            self._client.flush(_FLUSH_SECONDS)
        except Exception as error:  # noqa: BLE001 - a fatal error comes as an exception of the poll; another producer follows
            log.warning("Kafka's client failed", problem=type(error).__name__)
            self._client.purge()
            self._loop.call_soon_threadsafe(self._end)
        finally:
            self._client.close()
