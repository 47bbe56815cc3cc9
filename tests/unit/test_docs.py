"""What the pages say is what the code takes."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config import load
from gateway.metrics import Metrics
from tests.fakes.gateways import registry

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ENGINES = {"aws": {"type": "sagemaker", "region": "us-east-1", "endpoints": {"credit": {}}}}
SINK_PAGES = sorted(f"sinks/{page.name}" for page in (ROOT / "docs" / "sinks").glob("*.md"))
CONFIGURED = ("payload-logging.md", "openscale.md", *SINK_PAGES)
FORMED = {"WEBHOOK_SECRET": "whsec_Y29udHJhY3QtY29udHJhY3QtY29udHJhY3Q="}
"""Values of variables that can't be anything."""
VARIABLE = re.compile(r"\$\{([A-Z_]+)\}")
PLACEHOLDER = re.compile(r"<[a-z ]+>")


def yaml_blocks(page: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)


def completed(block: str) -> Mapping[str, Any]:
    """Return a configuration with the sections that an example leaves out."""
    tree = yaml.safe_load(PLACEHOLDER.sub("some-id", block))
    deployments = {"credit-risk": {"engine": "aws", "endpoint": "credit", "format": "sagemaker-linear-learner"}}
    return {"auth": {"mode": "none"}, "engines": ENGINES, "deployments": deployments} | tree


@pytest.mark.parametrize(
    ("page", "block"),
    [(page, block) for page in CONFIGURED for block in yaml_blocks(page)],
    ids=lambda value: value.partition("\n")[0] if isinstance(value, str) else None,
)
def test_example_of_a_configuration_has_no_mistake(page: str, block: str, tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(yaml.safe_dump(completed(block), sort_keys=False), encoding="utf-8")
    environ = {name: FORMED.get(name, f"of {name}") for name in VARIABLE.findall(block)}
    assert load(file, registry(), environ).deployments


@pytest.mark.parametrize("name", ["case1-single", "case1-dual", "no-log", "case2-dual", "case2-marker"])
def test_every_arrangement_is_named(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "payload-logging.md").read_text(encoding="utf-8")


def test_metrics_of_the_pages_exist() -> None:
    known = {f"{family.name.removeprefix('openscale_gateway_')}_total" for family in Metrics().registry.collect()}
    text = "".join(
        (ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("payload-logging.md", "openscale.md")
    )
    named = {name for name in re.findall(r"`([a-z_]+_total)`", text) if not name.startswith("sink_")}
    assert named - known == set()
    assert named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
