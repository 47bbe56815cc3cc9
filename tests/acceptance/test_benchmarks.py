"""The benchmarks run and measure what they should; their figures are for a quiet machine (`make bench`)."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.acceptance.environments import PROJECT


async def test_gateway_and_pass_through_are_measured_at_1_and_32_connections(tmp_path: Path) -> None:
    results = await _figures("benchmarks.compare", tmp_path, "--rounds", "1", "--seconds", "1")

    assert [result["connections"] for result in results] == [1, 32]
    for result in results:
        assert set(result["servers"]) == {"pass-through", "gateway"}
        assert all(figure > 0 for measured in result["servers"].values() for figure in measured.values())
        assert result["ratio"] == result["ratios"][0]


async def test_single_rows_are_measured_beside_batches(tmp_path: Path) -> None:
    result = await _figures("benchmarks.batches", tmp_path, "--rows", "1000", "--seconds", "1")

    assert result["batches"] > 0
    assert 0 < result["alone"]["p50_ms"] <= result["alone"]["p99_ms"]
    assert 0 < result["beside"]["p50_ms"] <= result["beside"]["p99_ms"]


async def _figures(module: str, folder: Path, *options: str) -> Any:
    """Run a benchmark; a call that is not answered with a success fails it."""
    file = folder / "figures.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *options, "--json", file, "--directory", folder, cwd=PROJECT
    )
    assert await process.wait() == 0
    return json.loads(file.read_bytes())
