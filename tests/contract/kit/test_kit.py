"""The kit finds what it says it does, says what to do, and what it needs."""

import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from adapters.testing.conformance import (
    AuditableSinkConformance,
    EngineConformance,
    FormatConformance,
    HttpSinkConformance,
)
from tests.contract.kit import (
    broken_audits,
    broken_engines,
    broken_fidelity,
    broken_formats,
    broken_secrecy,
    broken_sinks,
)

PROJECT = Path(__file__).parents[3]
KITS = [
    pytest.param([broken_engines, broken_fidelity, broken_secrecy], EngineConformance, id="engines"),
    pytest.param([broken_formats], FormatConformance, id="formats"),
    pytest.param([broken_sinks], HttpSinkConformance, id="sinks"),
    pytest.param([broken_audits], AuditableSinkConformance, id="audits"),
]

# The heading of a failure, and all until that of the next.
FAILURE = re.compile(r"^_+ (\w+\.\w+)(?:\[[^\n]*\])? _+\n(.*?)(?=^_+ \w+\.\w|^={3})", re.MULTILINE | re.DOTALL)


def suites(module: ModuleType) -> dict[str, dict[str, str]]:
    """Return what has to fail, by suite: words of the complaint, by test."""
    return {name: suite.fails for name, suite in vars(module).items() if hasattr(suite, "fails")}


def path(module: ModuleType) -> str:
    return str(Path(str(module.__file__)).relative_to(PROJECT))


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=PROJECT, capture_output=True, text=True, timeout=110, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(("broken", "kit"), KITS)
def test_every_test_of_the_kit_can_fail(broken: list[ModuleType], kit: type) -> None:
    tests = {name for name, _ in inspect.getmembers(kit, inspect.isfunction) if name.startswith("test_")}
    assert {test for module in broken for fails in suites(module).values() for test in fails} == tests


@pytest.mark.parametrize(("broken", "kit"), KITS)
def test_a_broken_promise_fails_the_test_of_its_name_which_says_why(broken: list[ModuleType], kit: type) -> None:
    wanted = [
        (path(module), suite, test, words)
        for module in broken
        for suite, fails in suites(module).items()
        for test, words in fails.items()
    ]
    nodes = [f"{file}::{suite}::{test}" for file, suite, test, _ in wanted]

    options = ("-p", "no:cacheprovider", "--hypothesis-profile=unshrunk", "-q", "--tb=short")
    printed = run("-m", "pytest", *nodes, *options)

    said = dict(FAILURE.findall(printed))
    silent = [f"{suite}.{test}" for _, suite, test, words in wanted if words not in said.get(f"{suite}.{test}", "\0")]
    assert silent == [], printed


def test_without_its_tools_the_kit_says_what_to_install() -> None:
    printed = run("-c", "import sys; sys.modules['hypothesis'] = None; import adapters.testing.conformance")
    assert "pip install 'openscale-gateway[conformance]'" in printed
