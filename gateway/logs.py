"""structlog's set-up: one JSON object a line on stderr; ids, counts, sizes and durations, never a value or a secret."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


def configure(level: str) -> None:
    """Send the logs of the gateway and, from WARNING on, of its libraries to stderr as JSON lines."""
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*processors, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=processors,
            processors=[_libraries_briefly, structlog.processors.JSONRenderer()],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


@contextmanager
def errors_only() -> Iterator[None]:
    """Keep the rest out of what a command prints meanwhile; errors go to stderr."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def fault(error: BaseException) -> dict[str, object]:
    """Describe an unexpected error by its class and its places in the code: its message may quote the payload."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "fault": type(error).__name__,
        "places": [f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
    }


def _libraries_briefly(
    logger: structlog.typing.WrappedLogger, name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    # A library's message may quote a body or an exception's text: its place is enough to look it up.
    record: logging.LogRecord = event.pop("_record")
    event.pop("_from_structlog", None)
    event["event"] = "library message"
    event["logger"] = record.name
    event["place"] = f"{record.filename}:{record.lineno}"
    if exc_info := event.pop("exc_info", None):
        event.update(fault(exc_info[1]))
    return event
