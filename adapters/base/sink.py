"""What a sink is: a destination of payload records.

The shipper owns batching, backoff, bisection, cursors and dead letters; a sink neither sleeps nor retries, nor does it
remember what it was sent. Delivery is at least once: a batch may come again, whole or in other cuts, after a failure,
a restart or a lost answer, always with the same ids, and a sink uses them to store a record once where its far side can
tell.

A batch goes through two steps, because taken is not stored. `send` hands it over and returns a receipt; `settle` says
what became of it, and is asked again while the answer is *not yet*. A sink whose far side answers at once settles
at once.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from msgspec import Struct, field

from adapters.base.transport import Transport
from schemas.caller import Origin
from schemas.configuration import SelectingSinkSettings, SinkSettings
from schemas.payload import Outcome, PayloadRecord


class RecordFilter(Struct, frozen=True, kw_only=True):
    """Which records a sink is owed; None means all. The spool counts by it, so it is data."""

    deployments: frozenset[str] | None = None
    outcomes: frozenset[Outcome] | None = None
    origins: frozenset[Origin] | None = None


def record_filter(settings: SelectingSinkSettings) -> RecordFilter:
    """Return the filter of a sink that takes what its settings ask for."""
    return RecordFilter(
        deployments=None if settings.deployments is None else frozenset(settings.deployments),
        outcomes=None if settings.outcomes is None else frozenset(settings.outcomes),
        origins=None if settings.origins is None else frozenset(settings.origins),
    )


class BatchRecord(Struct, frozen=True):
    """A record on its way to a sink.

    Attributes:
        seq: position in the spool; grows with time.
        line: the record as JSON, the very bytes that are in the spool.
        record: the same, decoded; request and response are JSON text.
    """

    seq: int
    line: bytes
    record: PayloadRecord


class Batch(Struct, frozen=True):
    """Records of one deployment and one partition, in the order of the spool; at least one."""

    deployment_id: str
    partition: str
    records: Sequence[BatchRecord]


class Receipt(Struct, frozen=True):
    """What a sink needs to settle a batch that it has taken: opaque to the shipper, and not kept over a restart."""

    reference: Mapping[str, Any] = field(default_factory=dict)


class Refusal(Struct, frozen=True):
    """A record that a sink won't take, and why (no payload value in it)."""

    scoring_id: str
    reason: str


class Settlement(Struct, frozen=True, kw_only=True):
    """What became of a batch.

    Attributes:
        state: `stored`: all of it, but for `refused`; `not_yet`: ask again; `failed`: nothing of it is known to be
            stored and the culprit is unknown, so the shipper sends it again, in halves if that goes on.
        refused: with `stored`, the records that were refused by name.
        reason: with `failed`, in one sentence, without payload values.
    """

    state: Literal["stored", "not_yet", "failed"]
    refused: Sequence[Refusal] = ()
    reason: str | None = None


class Sink(Protocol):
    """A destination, connected."""

    @property
    def filter(self) -> RecordFilter:
        """Which records it is owed; the same for as long as it is connected."""
        ...

    def partition(self, record: PayloadRecord) -> str:
        """Return what must not be mixed in a batch (a data set, a topic, a day); pure."""
        ...

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        """Hand over a batch; when it returns, the far side has taken it, perhaps not stored.

        Raises:
            SinkUnavailableError: not taken now (down, throttled, credentials refused): the same batch comes again.
            SinkRefusedError: never to be taken as it is: the shipper looks for the record at fault.
        """
        ...

    async def settle(self, receipt: Receipt, *, deadline: float) -> Settlement:
        """Say what became of a batch.

        Raises:
            SinkUnavailableError: it can't be told now: asked again later.
        """
        ...


class Held(Struct, frozen=True):
    """Rows that a far side holds of one record."""

    scoring_id: str
    rows: int


@runtime_checkable
class AuditableSink(Protocol):
    """A sink whose far side can be asked what it holds: optional, for `payloads audit`.

    For a table with a row id it is one statement: count rows by scoring id, of a deployment and a time.
    """

    def held(self, deployment_id: str, *, start: datetime, end: datetime, deadline: float) -> AsyncIterator[Held]:
        """Yield what it holds of a deployment's calls that started at `start` or later, and before `end` (both UTC).

        An id may come several times, then its rows add up; a row that is stored twice counts twice. Parts of a record
        that the sink had to split count under the record's own id.

        Raises:
            SinkUnavailableError: it can't be told now.
        """
        ...


class SinkPlugin(Struct, frozen=True, kw_only=True):
    """Entry point group `openscale_gateway.sinks`.

    Attributes:
        kind: the `type` of the configuration.
        settings: struct that this sink's part of the configuration is validated against.
        connect: `connect(settings, transport)`, an async context manager; quick, and without network.
        api_version: of this module.
    """

    kind: str
    settings: type[SinkSettings]
    connect: Callable[[Any, Transport], AbstractAsyncContextManager[Sink]]
    api_version: int = 1
