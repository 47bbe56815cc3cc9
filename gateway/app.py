"""The composition root: configuration in, running gateway out. The only module that knows every part."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import structlog
from aiohttp import web

from adapters.base import Engine
from gateway.api.access import Gate, access_policy
from gateway.api.auth import Authenticator
from gateway.api.bodies import BodyReader
from gateway.api.calls import ScoringRoute
from gateway.api.draining import Draining
from gateway.api.guard import Guard
from gateway.api.in_flight import InFlight
from gateway.api.metrics_route import MetricsRoute
from gateway.api.operations import DocsRoutes, OpenApiRoute, operations_routes
from gateway.api.payloads_route import PayloadsRoute
from gateway.api.probes import Probes, SpoolState
from gateway.api.routes import DiscoveryRoutes, Route
from gateway.api.server import application
from gateway.api.serving import serving
from gateway.api.urls import BaseUrls
from gateway.config import Configuration
from gateway.connecting import connected_engine
from gateway.directory import Directory
from gateway.directory_store import DirectoryStore
from gateway.leading import Leading
from gateway.metrics import Exposition, Metrics
from gateway.payloadlog.damage import DamageWatch
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.spool import Spool
from gateway.payloadlog.tap import Tap
from gateway.payloadlog.writer import SpoolWriter
from gateway.pipeline import Pipelines
from gateway.registry import Registry
from gateway.scoring import Scoring
from gateway.translating import Translating
from gateway.transport import HttpTransport
from schemas.configuration import ServerSettings, TlsSettings

BYTES_PER_MB = 1_000_000
DISTRIBUTION = "openscale-gateway"

log = structlog.get_logger(__name__)


def prepare(configuration: Configuration) -> None:
    """Make the spool ready, or recover it, while no process of this gateway serves; blocking.

    Raises:
        PayloadLogError: it can't be made, opened or recovered.
    """
    Spool.open(configuration.payload_log.path, max_bytes=configuration.payload_log.max_bytes)


@asynccontextmanager
async def running(
    configuration: Configuration, registry: Registry, listener: socket.socket, damage: DamageWatch
) -> AsyncIterator[asyncio.Task[None]]:
    """Serve calls from entering to leaving; leaving finishes the calls in flight and flushes their records.

    Args:
        configuration: loaded.
        registry: with the formats of its deployments.
        listener: bound; closed at the end.
        damage: watched by the caller, who leaves and calls `prepare` once it is met; nobody is ready then.

    Raises:
        ConfigurationError: a plugin can't be connected; the message names it.

    Yields:
        The background work (discovery, delivery). It ends only by a fault, which must end the process.
    """
    async with AsyncExitStack() as stack:
        transport = await stack.enter_async_context(HttpTransport())
        engines: dict[str, Engine] = {
            name: await stack.enter_async_context(connected_engine(engine, transport))
            for name, engine in configuration.engines.items()
        }
        metrics = Metrics()
        directory = Directory(configuration, engines, DirectoryStore(_beside_spool(configuration)), time.time)
        leading = await stack.enter_async_context(Leading(configuration, directory, transport))
        writer = await stack.enter_async_context(
            SpoolWriter(
                configuration.payload_log.path,
                max_bytes=configuration.payload_log.max_bytes,
                durability=configuration.payload_log.durability,
                on_commit=leading.wake,
                on_lost=metrics.lost,
            )
        )
        background = asyncio.create_task(leading.run(), name="background")
        stack.push_async_callback(_ended, background)
        draining = Draining(configuration.server.drain_seconds)
        app = _application(
            configuration=configuration,
            draining=draining,
            registry=registry,
            engines=engines,
            directory=directory,
            writer=writer,
            metrics=metrics,
            damage=damage,
            stack=stack,
        )
        await stack.enter_async_context(serving(app, listener, draining, tls=_tls(configuration.server.tls)))
        yield background


def _application(
    *,
    configuration: Configuration,
    draining: Draining,
    registry: Registry,
    engines: Mapping[str, Engine],
    directory: Directory,
    writer: SpoolWriter,
    metrics: Metrics,
    damage: DamageWatch,
    stack: AsyncExitStack,
) -> web.Application:
    server = configuration.server
    pipelines = Pipelines(configuration, registry, engines, time.monotonic)
    directory.when_gone(pipelines.forget)
    translating = Translating()
    stack.callback(translating.close)
    tap = Tap(configuration.payload_log, writer, metrics)
    scoring = Scoring(pipelines, translating, tap, metrics, directory.want_refresh)
    authenticator = Authenticator(configuration.auth)
    stack.callback(authenticator.close)
    policy = access_policy(configuration.auth, server)
    gate = Gate(authenticator, policy)
    base_urls = BaseUrls(server)
    reader = SpoolReader(configuration.payload_log.path)
    exposition = Exposition(
        metrics,
        stats=reader.stats,
        engines=directory.statuses,
        open_circuits=pipelines.open_circuits,
    )
    bodies = _bodies(server)
    routes: list[Route] = [
        *DiscoveryRoutes(directory, base_urls).routes(),
        *ScoringRoute(directory, scoring, translating, bodies).routes(),
        *PayloadsRoute(reader).routes(),
        *MetricsRoute(exposition).routes(),
        *Probes(
            gate,
            lambda: [problem for problem in (damage.problem, writer.problem) if problem],
            directory.statuses,
            lambda: SpoolState(round(writer.fill, 3), writer.warning),
        ).routes(),
        *operations_routes(OpenApiRoute(policy, base_urls, version(DISTRIBUTION)), DocsRoutes()),
    ]
    return application(routes, Guard(gate, metrics, draining), max_body_bytes=_bytes(server.max_body_mb))


def _bodies(server: ServerSettings) -> BodyReader:
    return BodyReader(_bytes(server.max_body_mb), InFlight(_bytes(server.max_in_flight_mb)))


def _bytes(megabytes: float) -> int:
    return int(megabytes * BYTES_PER_MB)


def _beside_spool(configuration: Configuration) -> Path:
    spool = Path(configuration.payload_log.path)
    return spool.with_name(f"{spool.name}.directory.json")


def _tls(settings: TlsSettings | None) -> ssl.SSLContext | None:
    if settings is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=settings.client_ca)
    context.load_cert_chain(settings.cert, settings.key)
    if settings.client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
