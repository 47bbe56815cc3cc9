"""What `/metrics` shows, in Prometheus' words.

Counters and histograms live in each serving process and are added up by prometheus_client's multiprocess mode; what is
known of the spool and of the engines is read when a scrape asks for it.
"""

import os
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from gateway.directory import EngineStatus
from gateway.payloadlog.accounting import SinkAccount
from gateway.payloadlog.call_record import Unrecorded
from gateway.payloadlog.reading import Recoveries, SpoolStats
from schemas.caller import Origin
from schemas.payload import Outcome

PREFIX = "openscale_gateway"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ENGINE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
OVERHEAD_BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class Metrics:
    """Counts calls, refusals and records of this process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._calls = self._counter(
            "calls", "Scoring calls that reached the engine's side.", "deployment", "outcome", "origin"
        )
        self._refused = self._counter("refused_requests", "Requests that never became a call.", "reason")
        self._records = self._counter("records", "Payload records kept.", "deployment", "outcome")
        self._unrecorded = self._counter("unrecorded_calls", "Calls without a record.", "deployment", "reason")
        self._lost = self._counter("lost_records", "Calls answered without the record they owed.", "deployment")
        self._contradicting = self._counter(
            "contradicting_rows",
            "Rows whose probabilities do not add up to 1, or say another label than the predicted one.",
            "deployment",
        )
        self._contradicting_labels = self._counter(
            "contradicting_labels",
            "Answers whose own labels are others than the configured ones, or in another order.",
            "deployment",
        )
        self._engine = Histogram(
            f"{PREFIX}_engine_seconds",
            "Time of the engine's answer.",
            ["deployment"],
            buckets=ENGINE_BUCKETS,
            registry=self.registry,
        )
        self._overhead = Histogram(
            f"{PREFIX}_overhead_seconds",
            "Time of a call that is not the engine's: translation and record.",
            ["deployment"],
            buckets=OVERHEAD_BUCKETS,
            registry=self.registry,
        )
        self._children: dict[tuple[str, ...], tuple[Counter, Histogram, Histogram]] = {}
        self._record_children: dict[tuple[str, str], Counter] = {}

    def ended(
        self, deployment_id: str, origin: Origin, outcome: Outcome, engine_seconds: float | None, seconds: float
    ) -> None:
        """Count a call; times are in seconds."""
        key = (deployment_id, outcome, origin)
        children = self._children.get(key)
        if children is None:
            children = (
                self._calls.labels(*key),
                self._engine.labels(deployment_id),
                self._overhead.labels(deployment_id),
            )
            self._children[key] = children
        calls, engine, overhead = children
        calls.inc()
        if engine_seconds is not None:
            engine.observe(engine_seconds)
        overhead.observe(seconds - (engine_seconds or 0.0))

    def contradicted(self, deployment_id: str, n_rows: int) -> None:
        """Count rows whose most probable label is not the predicted one."""
        self._contradicting.labels(deployment_id).inc(n_rows)

    def labels_contradicted(self, deployment_id: str) -> None:
        """Count an answer that states another order of classes than the configuration."""
        self._contradicting_labels.labels(deployment_id).inc()

    def recorded(self, deployment_id: str, outcome: Outcome) -> None:
        """Count a record that is kept."""
        key = (deployment_id, outcome)
        child = self._record_children.get(key)
        if child is None:
            child = self._record_children[key] = self._records.labels(*key)
        child.inc()

    def not_recorded(self, deployment_id: str, reason: Unrecorded) -> None:
        """Count a call that left no record, as configured."""
        self._unrecorded.labels(deployment_id, reason).inc()

    def lost(self, deployment_id: str) -> None:
        """Count a call that was answered without the record that it should have left."""
        self._lost.labels(deployment_id).inc()

    def refused(self, reason: str) -> None:
        """Count a request that never became a call."""
        self._refused.labels(reason).inc()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)


class Exposition:
    """Renders a scrape. Blocking: it reads the spool, so it is called in a thread.

    Args:
        metrics: of this process.
        stats: books and depth of the spool, from one read transaction.
        engines: what the directory knows.
        open_circuits: deployments whose calls are being refused.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        stats: Callable[[], SpoolStats],
        engines: Callable[[], Iterable[EngineStatus]],
        open_circuits: Callable[[], Iterable[str]],
    ) -> None:
        self._stats = stats
        self._engines = engines
        self._open_circuits = open_circuits
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            self._registry = CollectorRegistry()
            MultiProcessCollector(self._registry)  # type: ignore[no-untyped-call]
        else:
            self._registry = metrics.registry
        self._registry.register(_OnScrape(self._families))

    def render(self) -> bytes:
        """Return the text format of all metrics."""
        return generate_latest(self._registry)

    def _families(self) -> Iterable[Metric]:
        stats = self._stats()
        yield _gauge("spool_records", "Records in the spool.", stats.depth.records)
        yield _gauge("spool_bytes", "Size of the spool on disk, in bytes.", stats.depth.bytes)
        yield from _recovery_families(stats.recoveries)
        yield from _sink_families(stats.accounts)
        yield from self._engine_families()

    def _engine_families(self) -> Iterable[Metric]:
        endpoints = GaugeMetricFamily(f"{PREFIX}_engine_endpoints", "Endpoints known of an engine.", labels=["engine"])
        failing = GaugeMetricFamily(
            f"{PREFIX}_engine_discovery_failing", "1: the last discovery failed.", labels=["engine"]
        )
        refreshed = GaugeMetricFamily(
            f"{PREFIX}_engine_refreshed_timestamp_seconds", "Time of the last discovery.", labels=["engine"]
        )
        for status in self._engines():
            endpoints.add_metric([status.name], status.endpoints)
            failing.add_metric([status.name], float(status.error is not None))
            if status.refreshed_at is not None:
                refreshed.add_metric([status.name], status.refreshed_at)
        circuits = GaugeMetricFamily(f"{PREFIX}_circuit_open", "1: calls are refused.", labels=["deployment"])
        for deployment_id in self._open_circuits():
            circuits.add_metric([deployment_id], 1)
        yield from (endpoints, failing, refreshed, circuits)


class _OnScrape(Collector):
    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._collect = families

    def collect(self) -> Iterable[Metric]:
        return self._collect()

    def describe(self) -> Iterable[Metric]:
        # Registering must not read the spool.
        return ()


def _recovery_families(recoveries: Recoveries) -> Sequence[Metric]:
    return [
        CounterMetricFamily(f"{PREFIX}_spool_{name}", text, value=value)
        for name, text, value in (
            ("recoveries", "Damaged spools that were set aside.", recoveries.times),
            ("recovered_records", "Records kept of damaged spools.", recoveries.records_kept),
            (
                "damaged_records",
                "Records lost with damaged spools, as far as they were counted.",
                recoveries.records_lost,
            ),
        )
    ]


def _sink_families(accounts: Sequence[SinkAccount]) -> Iterable[Metric]:
    accepted = CounterMetricFamily(
        f"{PREFIX}_sink_accepted_records", "Records that a sink was owed, ever.", labels=["sink"]
    )
    delivered = CounterMetricFamily(f"{PREFIX}_sink_delivered_records", "Of these: stored there.", labels=["sink"])
    dropped = CounterMetricFamily(f"{PREFIX}_sink_dropped_records", "Of these: given up.", labels=["sink", "reason"])
    pending = GaugeMetricFamily(f"{PREFIX}_sink_pending_records", "Of these: still to be stored.", labels=["sink"])
    dead = GaugeMetricFamily(f"{PREFIX}_sink_dead_records", "Of these: dead letters.", labels=["sink"])
    replayed = CounterMetricFamily(
        f"{PREFIX}_sink_replayed_records", "Sent once more by replay, beside all others.", labels=["sink"]
    )
    for account in accounts:
        replayed.add_metric([account.sink], account.replayed)
        accepted.add_metric([account.sink], account.accepted)
        delivered.add_metric([account.sink], account.delivered)
        pending.add_metric([account.sink], account.pending)
        dead.add_metric([account.sink], account.dead)
        for reason, count in account.dropped.items():
            dropped.add_metric([account.sink, reason], count)
    return (accepted, delivered, pending, dead, dropped, replayed)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)
