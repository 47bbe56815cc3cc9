from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.payloadlog.appending import Appender
from gateway.payloadlog.entry import SpoolEntry
from gateway.payloadlog.spool import Spool

MAX_BYTES = 10_000_000_000


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Path of an empty spool."""
    return Spool.open(tmp_path / "payloads.db", max_bytes=MAX_BYTES).path


@pytest.fixture
def append(spool: Path) -> Callable[..., None]:
    """Append entries in groups."""

    def append_all(*entries: SpoolEntry) -> None:
        appender = Appender(spool)
        for n in range(0, len(entries), 100):
            appender.append(entries[n : n + 100])
        appender.close()

    return append_all
