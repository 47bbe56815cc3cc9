"""What the pages say is what the code takes."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fakes.example_configurations import load_example
from tests.fakes.gateways import running_gateway

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ENGINES = {"aws": {"type": "sagemaker", "region": "us-east-1", "endpoints": {"credit": {}}}}
SINK_PAGES = sorted(f"sinks/{page.name}" for page in (ROOT / "docs" / "sinks").glob("*.md"))
ENGINE_PAGES = sorted(f"engines/{page.name}" for page in (ROOT / "docs" / "engines").glob("*.md"))
CONFIGURED = ("../README.md", "payload-logging.md", "openscale.md", *SINK_PAGES, *ENGINE_PAGES)
FRAGMENT = "    # of an engine\n"
"""Begins an example of some lines of an engine."""
PLACEHOLDER = re.compile(r"<[a-z ]+>")


def yaml_blocks(page: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)


def completed(block: str) -> Mapping[str, Any]:
    """Return a configuration with the sections that an example leaves out."""
    tree = yaml.safe_load(PLACEHOLDER.sub("some-id", block))
    if block.startswith(FRAGMENT):
        tree = {"engines": ENGINES | {"fragment": tree}}
    deployments = {"credit-risk": {"engine": "aws", "endpoint": "credit", "format": "sagemaker-linear-learner"}}
    return {"auth": {"mode": "none"}, "engines": ENGINES, "deployments": deployments} | tree


def metrics_of_tables(text: str) -> set[str]:
    """Return what the first column of tables of metrics names."""
    tables = re.findall(r"^\| metric \(`openscale_gateway_\.\.\.`\).*\n((?:\|.*\n)+)", text, re.MULTILINE)
    cells = [row.split("|")[1] for table in tables for row in table.splitlines()]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize(
    ("page", "block"),
    [(page, block) for page in CONFIGURED for block in yaml_blocks(page)],
    ids=lambda value: value.partition("\n")[0] if isinstance(value, str) else None,
)
def test_example_of_a_configuration_has_no_mistake(page: str, block: str, tmp_path: Path) -> None:
    assert load_example(completed(block), tmp_path).engines


@pytest.mark.parametrize("name", ["case1-single", "case1-dual", "no-log", "case2-dual", "case2-marker"])
def test_every_arrangement_is_named(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "payload-logging.md").read_text(encoding="utf-8")


async def test_every_metric_is_described_and_no_other(tmp_path: Path) -> None:
    """`..._created` are the library's own: when a counter began."""
    async with running_gateway(tmp_path) as gateway:
        exposition = (await gateway.call("GET", "/metrics")).body
    shown = set(re.findall(r"^# TYPE openscale_gateway_(\w+)", exposition, re.MULTILINE))
    described = metrics_of_tables((ROOT / "docs" / "operations.md").read_text(encoding="utf-8"))
    assert described == {name for name in shown if not name.endswith("_created")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_metrics_that_a_page_names_are_among_those_described(page: Path) -> None:
    described = metrics_of_tables((ROOT / "docs" / "operations.md").read_text(encoding="utf-8"))
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"openscale_gateway_(?!lantern)(\w*[a-z])\b", text))
    named |= {name.removeprefix("openscale_gateway_") for name in re.findall(r"`(\w+_total)`", text)}
    assert named - described == set()
    assert metrics_of_tables(text) - described == set()


async def test_the_backup_that_the_page_makes_beside_a_gateway_is_a_spool(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    copy = tmp_path / "backup" / "payloads.db"
    copy.parent.mkdir()
    async with running_gateway(tmp_path) as gateway:
        await gateway.score({"fields": ["a"], "values": [[1]]})
        code = code.replace("/var/lib/openscale-gateway", str(tmp_path)).replace("/backup/", f"{copy.parent}/")
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], check=True)
        records = gateway.records()
    async with running_gateway(copy.parent) as restored:
        assert restored.records() == records != []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_pages_that_the_code_names_exist() -> None:
    files = [
        path
        for folder in ("schemas", "adapters", "gateway", "benchmarks", "deploy")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".yaml", ".service"}
    ]
    named = {page for path in files for page in re.findall(r"[\w/.-]+\.md\b", path.read_text(encoding="utf-8"))}
    assert named
    assert [page for page in named if not (ROOT / page.removeprefix("/opt/openscale-gateway/")).exists()] == []
