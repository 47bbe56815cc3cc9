"""Gateways in this process, around a scripted engine: the whole application, or its scoring alone."""

import asyncio
import functools
import socket
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import Struct, json

from gateway import app
from gateway.config import Configuration, EngineConfiguration
from gateway.config.configuration import SinkConfiguration
from gateway.metrics import Metrics
from gateway.payloadlog.call_record import TappedCall
from gateway.payloadlog.damage import DamageWatch
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.spool import Spool
from gateway.payloadlog.tap import Tap
from gateway.payloadlog.writer import SpoolWriter
from gateway.pipeline import Pipelines
from gateway.registry import Registry
from gateway.scoring import Scoring, ScoringCall
from gateway.scoring_id import mint
from gateway.translating import Translating
from schemas.caller import Caller
from schemas.configuration import (
    AuthSettings,
    ClientSettings,
    ConfiguredDeployment,
    DiscoverySettings,
    EngineSettings,
    PayloadLogSettings,
    ServerSettings,
)
from schemas.deployment import Deployment
from tests.fakes.engines import ScriptedEngine

SPOOL_BYTES = 1_000_000_000
APPLICATION = Caller("loans-app", "application")
MONITOR = Caller("openscale", "monitor")
CLIENTS = {
    "loans-app": ClientSettings(password="app-pass", role="application"),
    "openscale": ClientSettings(password="monitor-pass", role="monitor"),
    "ops": ClientSettings(password="ops-pass", role="operator"),
}
BASIC = AuthSettings(clients=CLIENTS)
OPEN = AuthSettings(mode="none")


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header of a Basic credential."""
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


@functools.cache
def registry() -> Registry:
    """The plugins of this distribution; read once."""
    return Registry.load()


def deployed(**settings: Any) -> ConfiguredDeployment:
    """An entry of `deployments` for the scripted endpoint."""
    return ConfiguredDeployment(engine="aws", endpoint="model", **({"format": "openscale"} | settings))


def configuration_of(
    folder: Path,
    engine: ScriptedEngine,
    *,
    deployments: Mapping[str, ConfiguredDeployment] | None = None,
    server: ServerSettings | None = None,
    auth: AuthSettings = OPEN,
    discover: DiscoverySettings | bool = False,
    sinks: Mapping[str, SinkConfiguration] | None = None,
    **payload_log: Any,
) -> Configuration:
    """One engine, `aws`, with one deployment, `credit`, unless others are given."""
    settings = EngineSettings(type="scripted", discover=discover)
    return Configuration(
        source_path=folder / "gateway.yaml",
        server=server or ServerSettings(drain_seconds=5),
        auth=auth,
        payload_log=PayloadLogSettings(path=str(folder / "payloads.db"), **payload_log),
        engines={"aws": EngineConfiguration("aws", engine.plugin(), settings)},
        deployments={"credit": deployed()} if deployments is None else deployments,
        sinks=sinks or {},
    )


class Answered(Struct, frozen=True):
    """What came back over HTTP; `body` is the JSON, or the text of anything else."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def error(self) -> Any:
        """The only entry of `errors`."""
        (item,) = self.body["errors"]
        return item


class RunningGateway:
    """A whole gateway on a loopback socket.

    Attributes:
        url: its base.
        engine: what it asks.
        http: an open client.
        background: its discovery and delivery.
    """

    def __init__(
        self,
        url: str,
        engine: ScriptedEngine,
        spool: Path,
        http: aiohttp.ClientSession,
        background: asyncio.Task[None],
    ) -> None:
        self.url = url
        self.engine = engine
        self.spool = spool
        self.http = http
        self.background = background

    async def call(self, method: str, path: str, *, user: str | None = None, **options: Any) -> Answered:
        """Make one request; `user` is one of `CLIENTS`."""
        headers = options.pop("headers", {}) | ({} if user is None else basic(user, CLIENTS[user].password or ""))
        async with self.http.request(method, f"{self.url}{path}", headers=headers, **options) as response:
            body = await response.read()
            is_json = response.content_type == "application/json"
            return Answered(response.status, response.headers, json.decode(body) if is_json else body.decode())

    async def score(
        self, body: Any, *, deployment: str = "credit", family: str = "", user: str | None = None, **options: Any
    ) -> Answered:
        """Score a body: JSON to be, or bytes."""
        content = body if isinstance(body, bytes) else json.encode(body)
        headers = {"Content-Type": "application/json"} | options.pop("headers", {})
        path = f"{family}/v1/deployments/{deployment}/online"
        return await self.call("POST", path, user=user, data=content, headers=headers, **options)

    def records(self) -> list[dict[str, Any]]:
        """Return the payload records, oldest first."""
        return [json.decode(stored.line) for stored in SpoolReader(self.spool).records()]

    async def metric(self, name: str, **labels: str) -> float:
        """Return the value of a metric, 0 where it isn't shown; anybody may ask."""
        text = (await self.call("GET", "/metrics")).body
        wanted = f"openscale_gateway_{name}"
        total = 0.0
        for line in text.splitlines():
            sample, _, value = line.rpartition(" ")
            if sample.partition("{")[0] == wanted and all(f'{key}="{item}"' in sample for key, item in labels.items()):
                total += float(value)
        return total


@asynccontextmanager
async def running_gateway(
    folder: Path, engine: ScriptedEngine | None = None, **configuration: Any
) -> AsyncIterator[RunningGateway]:
    """Run `gateway.app` with `configuration_of(folder, engine, **configuration)`."""
    engine = engine or ScriptedEngine()
    settings = configuration_of(folder, engine, **configuration)
    app.prepare(settings)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    damage = DamageWatch(settings.payload_log.path)
    watching = asyncio.create_task(damage.met())
    async with app.running(settings, registry(), listener, damage) as background, aiohttp.ClientSession() as http:
        yield RunningGateway(url, engine, Path(settings.payload_log.path), http, background)
    watching.cancel()


class ScoringBench:
    """Scoring with real formats, mapping, tap and spool, and without HTTP.

    Attributes:
        deployment: what is scored.
        metrics: what was counted.
        pipelines: compiled.
        refreshes: engines whose discovery was asked for.
    """

    def __init__(self, scoring: Scoring, pipelines: Pipelines, deployment: Deployment, metrics: Metrics, spool: Path):
        self.scoring = scoring
        self.pipelines = pipelines
        self.deployment = deployment
        self.metrics = metrics
        self.spool = spool

    async def score(self, body: Any, caller: Caller = APPLICATION, **tapped: Any) -> Any:
        """Score a body, JSON to be or bytes, and return the JSON of the answer."""
        content = body if isinstance(body, bytes) else json.encode(body)
        call = ScoringCall(body=content, tapped=tapped_call(caller, **tapped))
        return json.decode((await self.scoring.score(self.deployment, call)).body)

    def records(self) -> list[dict[str, Any]]:
        """Return the payload records, oldest first."""
        return [json.decode(stored.line) for stored in SpoolReader(self.spool).records()]

    def count(self, name: str, **labels: str) -> float:
        """Return a counter, 0 where it isn't there."""
        return self.metrics.registry.get_sample_value(f"openscale_gateway_{name}", labels) or 0.0


def tapped_call(caller: Caller = APPLICATION, **changes: Any) -> TappedCall:
    """A call that is recorded, of now."""
    now = time.time_ns()
    return TappedCall(
        **(
            {
                "scoring_id": mint(now // 1_000_000),
                "caller": caller,
                "transaction_id": None,
                "started_ns": now,
                "never_logged": False,
                "marked": False,
                "caller_gone": lambda: False,
            }
            | changes
        )
    )


@asynccontextmanager
async def scoring_bench(
    folder: Path,
    engine: ScriptedEngine,
    *,
    deployment: ConfiguredDeployment | None = None,
    clock: Callable[[], float] = time.monotonic,
    want_refresh: Callable[[str], None] = lambda _: None,
    max_bytes: int = SPOOL_BYTES,
    **payload_log: Any,
) -> AsyncIterator[ScoringBench]:
    """Score one deployment of the scripted engine, into a spool of its own."""
    settings = deployment or deployed()
    configuration = configuration_of(folder, engine, deployments={"credit": settings}, **payload_log)
    log, metrics = configuration.payload_log, Metrics()
    Spool.open(log.path, max_bytes=SPOOL_BYTES)
    pipelines = Pipelines(configuration, registry(), {"aws": engine}, clock)
    async with SpoolWriter(log.path, max_bytes=max_bytes, durability=log.durability) as writer:
        with closing(Translating()) as translating:
            scoring = Scoring(pipelines, translating, Tap(log, writer, metrics), metrics, want_refresh)
            endpoint = engine.configured()[0]
            exposed = Deployment(id="credit", engine="aws", endpoint=endpoint, settings=settings)
            yield ScoringBench(scoring, pipelines, exposed, metrics, Path(log.path))
