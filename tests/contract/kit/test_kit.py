"""The kit finds what it says it does, says what to do, and what it needs."""

import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from adapters.testing.conformance import (
    EngineConformance,
    FormatConformance,
    HttpSinkConformance,
)
from tests.contract.kit import broken_engines, broken_formats, broken_sinks

PROJECT = Path(__file__).parents[3]
KITS = [
    pytest.param(broken_engines, EngineConformance, id="engines"),
    pytest.param(broken_formats, FormatConformance, id="formats"),
    pytest.param(broken_sinks, HttpSinkConformance, id="sinks"),
]

# The heading of a failure, and all until that of the next.
FAILURE = re.compile(r"^_+ (\w+\.\w+)(?:\[[^\n]*\])? _+\n(.*?)(?=^_+ \w+\.\w|^={3})", re.MULTILINE | re.DOTALL)


def suites(module: ModuleType) -> dict[str, dict[str, str]]:
    """Return what has to fail, by suite: words of the complaint, by test."""
    return {name: suite.fails for name, suite in vars(module).items() if hasattr(suite, "fails")}


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=PROJECT, capture_output=True, text=True, timeout=110, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(("broken", "kit"), KITS)
def test_every_test_of_the_kit_can_fail(broken: ModuleType, kit: type) -> None:
    tests = {name for name, _ in inspect.getmembers(kit, inspect.isfunction) if name.startswith("test_")}
    assert {test for fails in suites(broken).values() for test in fails} == tests


@pytest.mark.parametrize(("broken", "kit"), KITS)
def test_a_broken_promise_fails_the_test_of_its_name_which_says_why(broken: ModuleType, kit: type) -> None:
    file = str(Path(str(broken.__file__)).relative_to(PROJECT))
    wanted = [(suite, test, words) for suite, fails in suites(broken).items() for test, words in fails.items()]
    nodes = [f"{file}::{suite}::{test}" for suite, test, _ in wanted]

    options = ("-p", "no:cacheprovider", "--hypothesis-profile=unshrunk", "-q", "--tb=short")
    printed = run("-m", "pytest", *nodes, *options)

    said = dict(FAILURE.findall(printed))
    silent = [f"{suite}.{test}" for suite, test, words in wanted if words not in said.get(f"{suite}.{test}", "\0")]
    assert silent == [], printed


def test_without_its_tools_the_kit_says_what_to_install() -> None:
    printed = run("-c", "import sys; sys.modules['hypothesis'] = None; import adapters.testing.conformance")
    assert "pip install 'openscale-gateway[conformance]'" in printed
