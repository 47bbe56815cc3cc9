from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas.configuration import AuthSettings, ServerSettings
from tests.fakes.gateways import BASIC, OPEN, running_gateway

ROWS = {"fields": ["a"], "values": [[1]]}


@pytest.mark.parametrize(
    ("auth", "public", "statuses"),
    [
        (BASIC, False, [401, 403, 403, 200]),
        (BASIC, True, [200, 200, 200, 200]),
        (OPEN, False, [200, 200, 200, 200]),
    ],
)
async def test_metrics_are_the_operators_unless_they_are_public(
    tmp_path: Path, auth: AuthSettings, public: bool, statuses: list[int]
) -> None:
    async with running_gateway(tmp_path, auth=auth, server=ServerSettings(public_operations=public)) as gateway:
        assert [
            (await gateway.call("GET", "/metrics", user=user)).status
            for user in (None, "loans-app", "openscale", "ops")
        ] == statuses


async def test_scrape_is_prometheus_text_and_counts_what_happened(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        await gateway.score(ROWS)
        await gateway.score(ROWS, family="/monitor")
        await gateway.score(b"{")
        scrape = await gateway.call("GET", "/metrics")
        assert scrape.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        families = {family.name for family in text_string_to_metric_families(scrape.body)}
        assert {
            "openscale_gateway_calls",
            "openscale_gateway_engine_seconds",
            "openscale_gateway_spool_bytes",
        } <= families
        counted = {"deployment": "credit", "outcome": "scored"}
        assert await gateway.metric("calls_total", origin="application", **counted) == 1
        assert await gateway.metric("calls_total", origin="monitor", **counted) == 1
        assert await gateway.metric("records_total", **counted) == 1
        assert await gateway.metric("unrecorded_calls_total", deployment="credit", reason="monitor") == 1
        assert await gateway.metric("refused_requests_total", reason="invalid_request") == 1
        assert await gateway.metric("spool_records") == 1
        assert await gateway.metric("engine_seconds_count", deployment="credit") == 2
