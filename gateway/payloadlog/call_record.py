"""The record of one call: room for it before the engine is asked, and exactly one record however the call ends."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Protocol, Self

import structlog
from msgspec import UNSET, Raw, Struct, UnsetType, json

from gateway.moments import rfc3339
from gateway.payloadlog.entry import SpoolEntry
from gateway.payloadlog.redaction import Redactor
from schemas.caller import Caller
from schemas.deployment import Deployment
from schemas.errors import EngineError, EngineTimeoutError, EngineUnavailableError, SpoolUnavailableError
from schemas.payload import NULL, Outcome, PayloadRecord
from schemas.scoring import RequestMeta, ScoringRequest, ScoringResponse, Values

STATUS_OF: dict[Outcome, int] = {
    "scored": 200,
    "engine_error": 502,
    "engine_unavailable": 503,
    "engine_timeout": 504,
    "gateway_error": 500,
}
# What a record holds beside request and response, rounded up: an estimate for the reservation.
RECORD_OVERHEAD_BYTES = 600

log = structlog.get_logger(__name__)

Unrecorded = Literal["monitor", "log_none", "no_marker", "sampled_out"]


class RecordWriter(Protocol):
    """The spool, as the record of a call sees it."""

    def reserve(self, n_bytes: int) -> None:
        """Keep room for a record of this size until `release`.

        Raises:
            SpoolUnavailableError: it could not be kept now; nothing is reserved.
        """
        ...

    def release(self, n_bytes: int) -> None:
        """Give back what was reserved."""
        ...

    async def append(self, entry: SpoolEntry) -> None:
        """Keep a record as durably as configured; where that is cancelled, it ends when the record is kept.

        Raises:
            SpoolUnavailableError: it is not kept.
        """
        ...


class TapObserver(Protocol):
    """Who counts what the tap does."""

    def recorded(self, deployment_id: str, outcome: Outcome) -> None:
        """A record is kept."""
        ...

    def not_recorded(self, deployment_id: str, reason: Unrecorded) -> None:
        """A call left no record, as configured."""
        ...

    def lost(self, deployment_id: str) -> None:
        """A call was answered without the record that it should have left (`on_failure: answer`)."""
        ...


class TappedCall(Struct, frozen=True, kw_only=True):
    """What the record says of a call beside its payload.

    Attributes:
        scoring_id: minted for this call.
        caller: who called.
        transaction_id: the caller's own id.
        started_ns: nanoseconds of the Unix epoch.
        never_logged: it came by a route whose calls are never recorded.
        marked: it carries the deployment's log marker.
        caller_gone: tells, at the end of the call, whether the caller has hung up.
    """

    scoring_id: str
    caller: Caller
    transaction_id: str | None
    started_ns: int
    never_logged: bool
    marked: bool
    caller_gone: Callable[[], bool]


class _RecordedRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    fields: list[str] | UnsetType = UNSET
    values: Values
    meta: RequestMeta | UnsetType = UNSET


_encoder = json.Encoder()


class CallRecord:
    """One call being recorded: entering reserves room, leaving gives it back and keeps exactly one record.

    Call `answered` before leaving, and set `engine_seconds` when the engine was asked (and `paused_seconds`
    between its attempts).
    """

    def __init__(
        self,
        writer: RecordWriter,
        observer: TapObserver,
        deployment: Deployment,
        call: TappedCall,
        request: ScoringRequest,
        *,
        redactor: Redactor | None,
        answer_without: bool,
    ) -> None:
        self._writer = writer
        self._observer = observer
        self._deployment = deployment
        self._call = call
        self._redactor = redactor
        self._answer_without = answer_without
        self._rows = len(request.values)
        self._request_text = _text(request if redactor is None else redactor.request(request))
        self._response_text = NULL
        self._reserved = 0
        self.engine_seconds: float | None = None
        self.paused_seconds = 0.0

    async def __aenter__(self) -> Self:
        try:
            # The answer is not known yet; it is taken to be as large as the question.
            self._reserve(2 * len(self._request_text) + RECORD_OVERHEAD_BYTES)
        except SpoolUnavailableError:
            if not self._answer_without:
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        had_room = self._reserved > 0
        # From here to the append nothing else runs: nobody else can take the room.
        self._release()
        outcome = outcome_of(error)
        entry = self._entry(outcome)
        try:
            if not had_room:
                # Appending itself knows no limit: without this a full spool would grow on.
                self._reserve(len(entry.line))
                self._release()
            await self._append(entry, answered=error is None)
        except SpoolUnavailableError as failure:
            if not self._answer_without:
                raise
            self._observer.lost(self._deployment.id)
            log.error(
                "record lost", scoring_id=self._call.scoring_id, deployment=self._deployment.id, problem=failure.message
            )
        else:
            self._observer.recorded(self._deployment.id, outcome)

    def _reserve(self, n_bytes: int) -> None:
        self._writer.reserve(n_bytes)
        self._reserved = n_bytes

    def _release(self) -> None:
        self._writer.release(self._reserved)
        self._reserved = 0

    async def _append(self, entry: SpoolEntry, *, answered: bool) -> None:
        try:
            await self._writer.append(entry)
        except asyncio.CancelledError:
            if not answered:
                raise
            # Too late: the record says that the call was answered, so it is.
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - only a task is cancelled
            task.uncancel()

    def answered(self, response: ScoringResponse, text: bytes) -> None:
        """Take the response for the record; `text` is its JSON. Blocking, like the constructor: as long as encoding."""
        self._response_text = Raw(
            text if self._redactor is None else _encoder.encode(self._redactor.response(response))
        )

    def _entry(self, outcome: Outcome) -> SpoolEntry:
        call, started_us = self._call, self._call.started_ns // 1000
        record = PayloadRecord(
            scoring_id=call.scoring_id,
            transaction_id=call.transaction_id,
            deployment_id=self._deployment.id,
            engine=self._deployment.engine,
            origin=call.caller.origin,
            caller=call.caller.name,
            scoring_timestamp=rfc3339(started_us),
            response_time=None if self.engine_seconds is None else int(self.engine_seconds * 1000),
            status=STATUS_OF[outcome],
            outcome=outcome,
            caller_gone=call.caller_gone(),
            rows=self._rows,
            request=self._request_text,
            response=self._response_text if outcome == "scored" else NULL,
        )
        return SpoolEntry(
            scoring_id=call.scoring_id,
            deployment_id=self._deployment.id,
            outcome=outcome,
            origin=call.caller.origin,
            scored_at_us=started_us,
            line=record.encode(),
        )


class Unlogged:
    """Stands in for `CallRecord` where a call leaves no record."""

    engine_seconds: float | None = None
    paused_seconds = 0.0

    def answered(self, response: ScoringResponse, text: bytes) -> None:
        """Keep nothing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None


def outcome_of(error: BaseException | None) -> Outcome:
    """Return how a call ended that was left with this error."""
    match error:
        case None:
            return "scored"
        case EngineTimeoutError():
            return "engine_timeout"
        case EngineUnavailableError():
            return "engine_unavailable"
        case EngineError():
            return "engine_error"
        case _:
            return "gateway_error"


def _text(request: ScoringRequest) -> Raw:
    recorded = _RecordedRequest(
        fields=UNSET if request.fields is None else request.fields,
        values=request.values,
        meta=UNSET if request.meta is None else request.meta,
    )
    return Raw(_encoder.encode(recorded))
