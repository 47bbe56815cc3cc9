"""Pipelines: a deployment with all that a call through it needs, compiled once."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from adapters.base import Body, Engine, NativeRequest, NativeResponse
from adapters.base.format import Format
from gateway.circuit import Circuit
from gateway.config import Configuration
from gateway.mapping import Mapping as ColumnMapping
from gateway.native_requests import read_table
from gateway.registry import Registry
from gateway.sample_bodies import names_columns
from schemas.configuration import DeploymentSettings
from schemas.deployment import Deployment, Endpoint
from schemas.errors import DeploymentNotConfiguredError, EngineReplyError, UnprocessableRequestError
from schemas.scoring import ScoringRequest, ScoringResponse
from schemas.table import Cell, Rows, Table

# Rows differ in length: with no room left, about every other slice of a table would be too large.
ROOM_FOR_LONGER_ROWS = 1.05


class NativePart(Struct, frozen=True):
    """A slice of a call's rows, in the endpoint's own form."""

    request: NativeRequest
    n_rows: int


class Decoded(Struct, frozen=True):
    """The answer to a call; `labels_contradict` where the platform itself states another order of classes for it."""

    response: ScoringResponse
    labels_contradict: bool = False


class Pipeline(Struct, frozen=True, kw_only=True, eq=False):
    """Rows to rows: the pure half of a call, and what the other half is done with.

    Attributes:
        request_reader: reads calls in the endpoint's own form; None where the deployment takes none.
        request_seconds: for one request to the endpoint, retries included.
        total_seconds: for a call, where the configuration sets it.
    """

    deployment: Deployment
    endpoint: Endpoint
    engine: Engine
    mapping: ColumnMapping
    request_format: Format
    response_format: Format
    request_reader: Format | None = None
    request_seconds: float
    total_seconds: float | None
    circuit: Circuit

    def seconds_for(self, n_parts: int) -> float:
        """Return the longest time of a call: what a platform allows for a request, it allows for each part."""
        if self.total_seconds is not None:
            return self.total_seconds
        rounds = -(-n_parts // self.endpoint.limits.max_parallel)
        return rounds * self.request_seconds

    def encode(self, request: ScoringRequest) -> list[NativePart]:
        """Translate the rows of a call, in about as few parts as the endpoint's limits allow.

        Raises:
            UnprocessableRequestError: a missing column, a cell that the format can't carry, a row beyond the limits.
        """
        table = self.mapping.to_native(request)
        most = self.endpoint.limits.max_rows
        if most is None or len(table.rows) <= most:
            return self._parts(table, 0)
        return [
            part
            for start in range(0, len(table.rows), most)
            for part in self._parts(Table(table.columns, table.rows[start : start + most]), start)
        ]

    def read_native(self, content: bytes, content_type: str | None) -> tuple[ScoringRequest, list[NativePart]]:
        """Read a call in the endpoint's own form: what its record says, and the one part in which it goes on as it is.

        Args:
            content: of the body.
            content_type: as the caller announced it; default: that of the format.

        Raises:
            InvalidRequestError: it is not of that form.
            UnprocessableRequestError: no rows, or more than the endpoint takes at once.
        """
        assert self.request_reader is not None  # noqa: S101 - only a deployment that takes native bodies is asked
        body = Body(content, content_type or self.request_format.media_type)
        table = read_table(self.request_reader, body, self.endpoint.limits)
        native = NativeRequest(content, body.content_type, self.response_format.media_type)
        return self.mapping.request_of(table), [NativePart(native, len(table.rows))]

    def decode(
        self, request: ScoringRequest, parts: Sequence[NativePart], answers: Sequence[NativeResponse]
    ) -> Decoded:
        """Join the answers to the parts of one call, in order.

        Raises:
            EngineReplyError: an answer is not a prediction for its rows.
        """
        tables = [
            self.response_format.decode(Body(answer.body, answer.content_type), part.n_rows)
            for part, answer in zip(parts, answers, strict=True)
        ]
        response = self.mapping.from_native(_joined(tables), request)
        return Decoded(response, any(map(self.mapping.labels_contradict, tables)))

    def _parts(self, table: Table, first_row: int) -> list[NativePart]:
        try:
            body = self.request_format.encode(table)
        except UnprocessableRequestError as error:
            raise _moved(error, first_row) from error
        n_rows = len(table.rows)
        most = self.endpoint.limits.max_bytes
        if most is None or len(body.content) <= most:
            return [NativePart(NativeRequest(body.content, body.content_type, self.response_format.media_type), n_rows)]
        if n_rows == 1:
            raise UnprocessableRequestError(
                f"The row makes {len(body.content)} bytes, the endpoint takes at most {most}.",
                target=f"values[{first_row}]",
            )
        n_slices = min(n_rows, math.ceil(len(body.content) * ROOM_FOR_LONGER_ROWS / most))
        bounds = [n_rows * k // n_slices for k in range(n_slices + 1)]
        return [
            part
            for start, end in pairwise(bounds)
            for part in self._parts(Table(table.columns, table.rows[start:end]), first_row + start)
        ]


class Pipelines:
    """The pipelines of all deployments, compiled when first used.

    Args:
        configuration: for the time limits of the engines' kinds.
        registry: compiles formats.
        engines: connected engines by name.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        configuration: Configuration,
        registry: Registry,
        engines: Mapping[str, Engine],
        clock: Callable[[], float],
    ) -> None:
        self._configuration = configuration
        self._registry = registry
        self._engines = engines
        self._clock = clock
        self._compiled: dict[str, Pipeline] = {}
        self._circuits: dict[str, Circuit] = {}

    def of(self, deployment: Deployment) -> Pipeline:
        """Return the pipeline of a deployment.

        Raises:
            DeploymentNotConfiguredError: nothing says which formats its endpoint speaks.
        """
        pipeline = self._compiled.get(deployment.id)
        if pipeline is None or pipeline.deployment is not deployment:
            pipeline = self._compile(deployment)
            self._compiled[deployment.id] = pipeline
        return pipeline

    def forget(self, deployment_id: str) -> None:
        """Drop what is kept for a deployment that is gone."""
        self._compiled.pop(deployment_id, None)
        self._circuits.pop(deployment_id, None)

    def open_circuits(self) -> list[str]:
        """Return the ids of the deployments whose calls are being refused; from any thread."""
        return [deployment_id for deployment_id, circuit in list(self._circuits.items()) if circuit.is_open]

    def _compile(self, deployment: Deployment) -> Pipeline:
        settings, endpoint = deployment.settings, deployment.endpoint
        if settings is None or (settings.format is None and (settings.request is None or settings.response is None)):
            raise DeploymentNotConfiguredError(
                f"Nothing says how to talk to the endpoint {endpoint.name}: name it under `deployments`, or give "
                f"`engines.{deployment.engine}.defaults` a `format`.",
                target="deployment_id",
            )
        request_format, response_format = self._registry.compile_formats(settings, endpoint.request_options)
        mapping = ColumnMapping.build(
            settings.input,
            settings.output,
            endpoint_columns=endpoint.columns,
            by_place=bool(settings.input.defaults) and not names_columns(request_format),
            problem_type=settings.problem_type,
        )
        plugin = self._configuration.engines[deployment.engine].plugin
        return Pipeline(
            deployment=deployment,
            endpoint=endpoint,
            engine=self._engines[deployment.engine],
            mapping=mapping,
            request_format=request_format,
            response_format=response_format,
            request_reader=self._request_reader(deployment, settings, mapping),
            request_seconds=settings.timeout_seconds or endpoint.timeout_seconds or plugin.timeout_seconds,
            total_seconds=settings.timeout_seconds,
            circuit=self._circuits.setdefault(deployment.id, Circuit(self._clock)),
        )

    def _request_reader(
        self, deployment: Deployment, settings: DeploymentSettings, mapping: ColumnMapping
    ) -> Format | None:
        if not deployment.takes_native:
            return None
        return self._registry.compile_request_reader(
            settings, mapping.native_columns, deployment.endpoint.request_options
        )


def _joined(tables: Sequence[Table]) -> Table:
    first = tables[0]
    if len(tables) == 1:
        return first
    if any(tuple(table.columns or ()) != tuple(first.columns or ()) for table in tables):
        return _joined_by_name(tables)
    rows: Rows = [row for table in tables for row in table.rows]
    return Table(first.columns, rows)


def _joined_by_name(tables: Sequence[Table]) -> Table:
    """Join rows as if they had come in one answer: in the order of the first, and None where one may lack a column."""
    if len({frozenset(table.columns or ()) for table in tables}) > 1 and not all(table.optional for table in tables):
        raise EngineReplyError("The endpoint answered the parts of one batch with different columns.")
    columns = tuple(dict.fromkeys(name for table in tables for name in table.columns or ()))
    rows: list[Sequence[Cell]] = []
    for table in tables:
        position = {name: k for k, name in enumerate(table.columns or ())}
        sources = [position.get(name) for name in columns]
        rows += [[None if k is None else row[k] for k in sources] for row in table.rows]
    return Table(columns, rows)


def _moved(error: UnprocessableRequestError, first_row: int) -> UnprocessableRequestError:
    """Name the row's place in the call instead of its place in the part."""
    target = error.target
    if first_row == 0 or target is None or not target.startswith("values["):
        return error
    row, bracket, rest = target.removeprefix("values[").partition("]")
    return UnprocessableRequestError(error.message, target=f"values[{int(row) + first_row}{bracket}{rest}")
