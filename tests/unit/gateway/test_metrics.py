import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.directory import EngineStatus
from gateway.metrics import CONTENT_TYPE, Exposition, Metrics
from gateway.payloadlog.accounting import SinkAccount, SpoolDepth
from gateway.payloadlog.reading import SpoolStats
from schemas.errors import SpoolUnavailableError

ACCOUNT = SinkAccount(
    sink="openscale",
    accepted=10,
    delivered=5,
    pending=2,
    dead=1,
    dropped={"filtered_out": 1, "sink_removed": 1},
    oldest_pending_at_us=None,
    configured=True,
    replayed=3,
)
STATUSES = [
    EngineStatus("aws", True, 3, 1_700_000_000.5, None),
    EngineStatus("azure", False, 0, None, "The control plane is away: secret."),
]


def exposition(metrics: Metrics, stats: Any = None, statuses: Iterable[EngineStatus] = ()) -> Exposition:
    return Exposition(
        metrics,
        stats=stats or (lambda: SpoolStats(accounts=[ACCOUNT], depth=SpoolDepth(7, 4096))),
        engines=lambda: statuses,
        open_circuits=lambda: ["credit"],
    )


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    """Return values by name and label values, in the order of the labels' names."""
    return {
        (
            sample.name.removeprefix("openscale_gateway_"),
            *(value for _, value in sorted(sample.labels.items())),
        ): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_calls_are_counted_and_timed_apart_from_their_engine() -> None:
    metrics = Metrics()
    metrics.ended("credit", "application", "scored", 0.5, 0.503)
    metrics.ended("credit", "monitor", "scored", 0.25, 0.26)
    metrics.ended("credit", "application", "engine_unavailable", None, 0.002)
    shown = samples(exposition(metrics).render())
    assert shown["calls_total", "credit", "application", "scored"] == 1
    assert shown["calls_total", "credit", "monitor", "scored"] == 1
    assert shown["calls_total", "credit", "application", "engine_unavailable"] == 1
    assert shown["engine_seconds_count", "credit"] == 2
    assert shown["engine_seconds_sum", "credit"] == 0.75
    assert shown["overhead_seconds_count", "credit"] == 3
    assert shown["overhead_seconds_sum", "credit"] == pytest.approx(0.015)


def test_what_leaves_no_call_or_no_record_is_counted_with_its_reason() -> None:
    metrics = Metrics()
    metrics.refused("invalid_request")
    metrics.recorded("credit", "scored")
    metrics.recorded("credit", "scored")
    metrics.not_recorded("credit", "sampled_out")
    metrics.lost("credit")
    metrics.contradicted("credit", 3)
    metrics.labels_contradicted("credit")
    shown = samples(exposition(metrics).render())
    assert shown["refused_requests_total", "invalid_request"] == 1
    assert shown["records_total", "credit", "scored"] == 2
    assert shown["unrecorded_calls_total", "credit", "sampled_out"] == 1
    assert shown["lost_records_total", "credit"] == 1
    assert shown["contradicting_rows_total", "credit"] == 3
    assert shown["contradicting_labels_total", "credit"] == 1


def test_books_of_a_scrape_balance() -> None:
    shown = samples(exposition(Metrics()).render())
    assert (shown["spool_records",], shown["spool_bytes",]) == (7, 4096)
    parts = sum(
        shown[f"sink_{part}", "openscale"] for part in ("delivered_records_total", "pending_records", "dead_records")
    )
    dropped = sum(shown["sink_dropped_records_total", reason, "openscale"] for reason in ACCOUNT.dropped)
    assert shown["sink_accepted_records_total", "openscale"] == parts + dropped == 10
    assert shown["sink_replayed_records_total", "openscale"] == 3


def test_engines_and_circuits_are_shown_without_words_of_theirs() -> None:
    text = exposition(Metrics(), statuses=STATUSES).render()
    shown = samples(text)
    assert (shown["engine_endpoints", "aws"], shown["engine_endpoints", "azure"]) == (3, 0)
    assert (shown["engine_discovery_failing", "aws"], shown["engine_discovery_failing", "azure"]) == (0, 1)
    assert shown["engine_refreshed_timestamp_seconds", "aws"] == 1_700_000_000.5
    assert ("engine_refreshed_timestamp_seconds", "azure") not in shown
    assert shown["circuit_open", "credit"] == 1
    assert b"secret" not in text


def test_spool_is_read_by_a_scrape_and_not_before() -> None:
    def broken() -> SpoolStats:
        raise SpoolUnavailableError("The disk is gone.")

    shown = exposition(Metrics(), broken)
    with pytest.raises(SpoolUnavailableError):
        shown.render()


def test_content_type_is_that_of_the_text_format() -> None:
    assert CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8"


def test_processes_of_their_own_are_added_up(tmp_path: Path) -> None:
    # prometheus_client decides at its import whether values are shared, so this needs processes.
    count = (
        "from gateway.metrics import Metrics; m = Metrics(); m.refused('x'); m.ended('d', 'monitor', 'scored', .5, 1)"
    )
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", count], env=environment, check=True)
    show = (
        "import sys; from gateway.metrics import *; from gateway.payloadlog.accounting import SpoolDepth;"
        "stats = lambda: SpoolStats([], SpoolDepth(1, 2));"
        "e = Exposition(Metrics(), stats=stats, engines=list, open_circuits=list);"
        "sys.stdout.buffer.write(e.render())"
    )
    text = subprocess.run([sys.executable, "-c", show], env=environment, check=True, capture_output=True).stdout
    shown = samples(text)
    assert shown["refused_requests_total", "x"] == 2
    assert shown["engine_seconds_count", "d"] == 2
    assert shown["spool_records",] == 1
