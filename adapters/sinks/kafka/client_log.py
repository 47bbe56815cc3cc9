"""librdkafka's own log, without secrets."""

from collections.abc import Iterable

import structlog

from adapters.sinks.kafka.settings import KafkaSettings, Option

log = structlog.get_logger(__name__)


class ClientLog:
    """Takes librdkafka's log. The shipper says that a sink fails; these lines help to find out why."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._values = tuple(settings.config.values())

    def log(self, level: int, template: str, *parts: object) -> None:
        """Log a line: addresses, and what happens to connections."""
        log.debug("librdkafka", line=without(self._values, template % parts))


def without(values: Iterable[Option], text: str) -> str:
    """Return a text of librdkafka without values of its properties, which may be secrets."""
    if "sasl.oauthbearer.config" in text:  # quotes a part of it
        return "sasl.oauthbearer.config can't be used"
    for value in sorted((value for value in values if isinstance(value, str) and value), key=len, reverse=True):
        text = text.replace(value, "...")
    return text
