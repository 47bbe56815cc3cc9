import logging
from collections.abc import Iterator

import pytest

from adapters.sinks.object_store.logs import keep_out_of_logs


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("sdk.of.a.test")
    yield logger
    logger.setLevel(logging.NOTSET)


def test_an_sdk_logs_warnings_only(logger: logging.Logger) -> None:
    keep_out_of_logs(logger.name)
    assert logger.level == logging.WARNING


def test_who_sets_a_level_has_decided_otherwise(logger: logging.Logger) -> None:
    logger.setLevel(logging.DEBUG)
    keep_out_of_logs(logger.name)
    assert logger.level == logging.DEBUG
