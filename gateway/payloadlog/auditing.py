"""The audit: the spool's books beside what the sinks really hold, with a name for each record that makes a difference.

It reads, and may run beside a gateway: what is delivered while it runs is never a finding.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from msgspec import Struct

from adapters.base.sink import AuditableSink
from gateway.payloadlog.audit_window import WINDOW_RECORDS, Expected, Window, read_again, read_window
from schemas.errors import SinkUnavailableError

# For one sink to say what it holds of one window.
ASK_SECONDS = 300.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Kind = Literal["missing", "incomplete", "doubled", "surplus"]


class Finding(Struct, frozen=True):
    """A record of which a sink holds another number of rows than it should.

    Attributes:
        sink: its name in the configuration.
        kind: `missing`: counted as delivered, and not there; `incomplete`: some of its rows are not there; `doubled`:
            rows are there more than once; `surplus`: there, and never owed by this gateway.
        deployment_id: public id.
        scoring_id: of the call.
    """

    sink: str
    kind: Kind
    deployment_id: str
    scoring_id: str


class AuditedSink(Struct):
    """What an audit saw of one sink.

    Attributes:
        compared: records that the spool still has, and counts as delivered.
        held: of these, those that the sink holds with all rows, once.
        problem: why the sink could not be asked (any more).
    """

    compared: int = 0
    held: int = 0
    problem: str | None = None


class Audit:
    """Compares one spool with sinks.

    Args:
        path: of an existing spool.
        sinks: those to be asked, by name.
        window_records: how many records are compared at once.

    Attributes:
        sinks: what was seen, by name.
    """

    def __init__(self, path: Path, sinks: Mapping[str, AuditableSink], *, window_records: int = WINDOW_RECORDS) -> None:
        self._path = path
        self._asked = sinks
        self._window_records = window_records
        self.sinks = {name: AuditedSink() for name in sinks}

    async def run(self) -> AsyncIterator[Finding]:
        """Yield what does not agree, as it is found; a sink that can't be asked holds the others up no longer.

        Raises:
            SpoolUnavailableError: the spool can't be read.
        """
        after, until = 0, time.time_ns() // 1000
        # What is called while the audit runs is left to the next one: it would never end.
        while after < until:
            window = await asyncio.to_thread(read_window, self._path, after, until, max_records=self._window_records)
            if window is None:
                return
            for (name, deployment_id), expected in window.expected.items():
                seen = self.sinks.get(name)
                if seen is None or seen.problem is not None:
                    continue
                try:
                    held = await self._ask(name, deployment_id, window)
                except SinkUnavailableError as error:
                    seen.problem = error.message
                    continue
                for kind, scoring_id in await self._compared(name, deployment_id, window, expected, held):
                    yield Finding(name, kind, deployment_id, scoring_id)
            after = window.end_us

    async def _ask(self, name: str, deployment_id: str, window: Window) -> Counter[str]:
        held: Counter[str] = Counter()
        deadline = asyncio.get_running_loop().time() + ASK_SECONDS
        async for found in self._asked[name].held(
            deployment_id, start=_moment(window.start_us), end=_moment(window.end_us), deadline=deadline
        ):
            held[found.scoring_id] += found.rows
        return held

    async def _compared(
        self, name: str, deployment_id: str, window: Window, expected: Expected, held: Counter[str]
    ) -> list[tuple[Kind, str]]:
        findings = [
            (_kind(rows, held[scoring_id]), scoring_id)
            for scoring_id, rows in expected.delivered.items()
            if held[scoring_id] != rows
        ]
        seen = self.sinks[name]
        seen.compared += len(expected.delivered)
        seen.held += len(expected.delivered) - len(findings)
        surplus = held.keys() - expected.delivered.keys() - expected.known
        if surplus and window.complete:
            # Some may have been accepted since the spool was read.
            now = (await asyncio.to_thread(read_again, self._path, window)).expected[name, deployment_id]
            findings += [("surplus", scoring_id) for scoring_id in surplus - now.delivered.keys() - now.known]
        return sorted(findings)


def _kind(expected: int, held: int) -> Kind:
    if not held:
        return "missing"
    return "incomplete" if held < expected else "doubled"


def _moment(unix_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=unix_us)
