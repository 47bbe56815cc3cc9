"""The hot path: one scoring call from its body to its answer, with exactly one record on every way out."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from adapters.base import CallContext, NativeRequest, NativeResponse
from gateway.answering import Answering, Scored, answer_fields_values, answer_native
from gateway.body_form import is_fields_values
from gateway.payloadlog.call_record import CallRecord, TappedCall, Unlogged, outcome_of
from gateway.payloadlog.tap import Tap
from gateway.pipeline import NativePart, Pipeline, Pipelines
from gateway.translating import Translating
from schemas.caller import Origin
from schemas.deployment import Deployment
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineError,
    EngineTimeoutError,
    PayloadLogError,
)
from schemas.payload import Outcome
from schemas.scoring import ScoringRequest, ScoringResponse, parse_scoring_request

MAX_ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
# An engine ends by its deadline itself and knows best why; this much later it is ended from here.
ENGINE_GRACE_SECONDS = 0.25


class ScoringObserver(Protocol):
    """Who counts calls."""

    def ended(
        self, deployment_id: str, origin: Origin, outcome: Outcome, engine_seconds: float | None, seconds: float
    ) -> None:
        """A call has ended; `engine_seconds` is None where no engine was asked."""
        ...

    def contradicted(self, deployment_id: str, n_rows: int) -> None:
        """In this many rows the most probable label is not the predicted one."""
        ...

    def labels_contradicted(self, deployment_id: str) -> None:
        """A platform's answer states another order of classes than `output.labels`."""
        ...


class ScoringCall(Struct, frozen=True, kw_only=True):
    """A call, as it arrived; `tapped` is what its record will say of it, `content_type` what the caller announced."""

    body: bytes
    content_type: str | None = None
    tapped: TappedCall


class Scoring:
    """Scores the calls of all deployments.

    Args:
        pipelines: what a call goes through.
        translating: where bodies are translated.
        tap: keeps the records.
        observer: counts.
        want_refresh: called with an engine's name when one of its endpoints turns out to be gone.
    """

    def __init__(
        self,
        pipelines: Pipelines,
        translating: Translating,
        tap: Tap,
        observer: ScoringObserver,
        want_refresh: Callable[[str], None],
    ) -> None:
        self._pipelines = pipelines
        self._translating = translating
        self._tap = tap
        self._observer = observer
        self._want_refresh = want_refresh

    async def score(self, deployment: Deployment, call: ScoringCall) -> Scored:
        """Score n rows and return n rows, in order and in the caller's form, once their record is kept.

        Raises:
            InvalidRequestError: the body is not a scoring request.
            UnprocessableRequestError: this deployment can't take it.
            EngineError: no prediction; a record says so.
            SpoolUnavailableError: the record can't be kept.
        """
        translated = partial(self._translating.run, call.body)
        if deployment.takes_native:
            if not await translated(is_fields_values, call.body):
                return await self._score_native(deployment, call)
            # Fields/values is what monitors speak here, whoever sends it.
            call = replace(call, tapped=replace(call.tapped, never_logged=True))
        parsed = await translated(parse_scoring_request, call.body)
        pipeline, request = self._pipelines.of(deployment), parsed.request
        answer = partial(answer_fields_values, parsed)
        if not request.values:
            nothing = ScoringResponse(fields=pipeline.mapping.output_fields or [], values=[])
            return answer(Unlogged(), nothing, ())
        parts = await translated(pipeline.encode, request)
        return await self._score(pipeline, call, request, parts, answer)

    async def _score_native(self, deployment: Deployment, call: ScoringCall) -> Scored:
        """Score a body in the endpoint's own form: its bytes go there, and the endpoint's come back."""
        translated = partial(self._translating.run, call.body)
        pipeline = self._pipelines.of(deployment)
        request, parts = await translated(pipeline.read_native, call.body, call.content_type)
        answer = partial(answer_native, pipeline.response_format.media_type)
        return await self._score(pipeline, call, request, parts, answer)

    async def _score(
        self,
        pipeline: Pipeline,
        call: ScoringCall,
        request: ScoringRequest,
        parts: Sequence[NativePart],
        answer: Answering,
    ) -> Scored:
        deployment = pipeline.deployment
        translated = partial(self._translating.run, call.body)
        started = perf_counter()
        record = await translated(self._tap.open, deployment, call.tapped, request)
        try:
            async with record:
                answers = await self._invoke_all(pipeline, parts, call.tapped.scoring_id, record)
                decoded = await translated(pipeline.decode, request, parts, answers)
                scored = await translated(answer, record, decoded.response, answers)
        except PayloadLogError:
            raise
        except BaseException as error:
            self._ended(deployment, call, record, error, perf_counter() - started)
            raise
        self._ended(deployment, call, record, None, perf_counter() - started)
        contradicting = await translated(pipeline.mapping.contradictions, decoded.response)
        if contradicting:
            self._observer.contradicted(deployment.id, contradicting)
        if decoded.labels_contradict:
            self._observer.labels_contradicted(deployment.id)
        return scored

    async def _invoke_all(
        self, pipeline: Pipeline, parts: Sequence[NativePart], scoring_id: str, record: CallRecord | Unlogged
    ) -> list[NativeResponse]:
        seconds = pipeline.seconds_for(len(parts))
        deadline = _now() + seconds
        context = CallContext(scoring_id, deadline)
        with pipeline.circuit.call():
            try:
                async with asyncio.timeout_at(deadline + ENGINE_GRACE_SECONDS):
                    if len(parts) == 1:
                        return [await self._invoke(pipeline, parts[0].request, context, record)]
                    return await self._invoke_parts(pipeline, parts, context, record)
            except TimeoutError:
                raise EngineTimeoutError(
                    f"The endpoint {pipeline.endpoint.name} did not answer within {seconds:g} s."
                ) from None
            except EngineEndpointNotFoundError:
                self._want_refresh(pipeline.deployment.engine)
                raise

    async def _invoke_parts(
        self, pipeline: Pipeline, parts: Sequence[NativePart], whole: CallContext, record: CallRecord | Unlogged
    ) -> list[NativeResponse]:
        """Invoke all parts of a call, a few at a time; the first that fails fails the call, and no other is begun."""
        waiting = deque(enumerate(parts))
        answers: dict[int, NativeResponse] = {}

        async def invoke_in_turn() -> None:
            while waiting:
                k, part = waiting.popleft()
                deadline = min(whole.deadline, _now() + pipeline.request_seconds)
                context = CallContext(whole.scoring_id, deadline)
                try:
                    answers[k] = await self._invoke(pipeline, part.request, context, record)
                except BaseException:
                    waiting.clear()
                    raise

        started = perf_counter()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(pipeline.endpoint.limits.max_parallel, len(parts))):
                    group.create_task(invoke_in_turn())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            # Parts overlap, and so do the pauses between their attempts.
            record.engine_seconds, record.paused_seconds = perf_counter() - started, 0.0
        return [answers[k] for k in range(len(parts))]

    async def _invoke(
        self, pipeline: Pipeline, request: NativeRequest, context: CallContext, record: CallRecord | Unlogged
    ) -> NativeResponse:
        """Invoke the engine, again where the platform has surely not worked on the request."""
        attempt = 1
        spent = 0.0
        while True:
            started = perf_counter()
            try:
                return await pipeline.engine.invoke(pipeline.endpoint, request, context)
            except EngineError as error:
                pause = _pause(attempt, error.retry_after)
                attempts = min(MAX_ATTEMPTS, error.max_attempts or MAX_ATTEMPTS)
                if not error.retryable or attempt >= attempts or _now() + pause >= context.deadline:
                    raise
            finally:
                spent += perf_counter() - started
                record.engine_seconds = spent
            record.paused_seconds += pause
            await asyncio.sleep(pause)
            attempt += 1

    def _ended(
        self,
        deployment: Deployment,
        call: ScoringCall,
        record: CallRecord | Unlogged,
        error: BaseException | None,
        seconds: float,
    ) -> None:
        origin = call.tapped.caller.origin
        self._observer.ended(
            deployment.id, origin, outcome_of(error), record.engine_seconds, seconds - record.paused_seconds
        )


def _pause(attempt: int, retry_after: float | None) -> float:
    if retry_after is not None:
        return retry_after
    longest = min(FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


def _now() -> float:
    # The clock of deadlines; too coarse to take times by, since uvloop's counts whole milliseconds.
    return asyncio.get_running_loop().time()
