import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.fakes.payload_records import entry
from tests.unit.gateway.cli.conftest import Run, start

COMMANDS = ["serve", "check", "demo", "deployments", "score", "payloads", "plugins", "schema", "hash-password"]


def test_help_names_every_command(run: Run) -> None:
    outcome = run("--help")
    assert outcome.code == 0
    assert [command for command in COMMANDS if f"    {command}" not in outcome.output] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Run, command: str) -> None:
    outcome = run(command, "--help")
    assert outcome.code == 0
    assert outcome.output.startswith(f"usage: openscale-gateway {command}")


def test_version_is_that_of_the_distribution(run: Run) -> None:
    assert run("--version").output == f"openscale-gateway {version('openscale-gateway')}\n"


@pytest.mark.parametrize("arguments", [[], ["fly"], ["check"], ["payloads"], ["score", "x"], ["check", "--nothing"]])
def test_wrong_usage_is_2(run: Run, arguments: list[str]) -> None:
    outcome = run(*arguments)
    assert outcome.code == 2
    assert outcome.errors.startswith("usage: ")
    assert outcome.output == ""


def test_mistakes_of_the_configuration_are_2_and_told_one_a_line(run: Run, write_config: Callable[..., Path]) -> None:
    outcome = run("payloads", "stats", "--config", write_config(server={"port": -1, "prot": 8080}))
    assert outcome.code == 2
    assert len(outcome.errors.splitlines()) == 2
    assert "server.port" in outcome.errors
    assert "Traceback" not in outcome.errors


def test_what_a_command_cannot_do_is_1_and_told_in_a_sentence(run: Run, write_config: Callable[..., Path]) -> None:
    outcome = run("payloads", "stats", "--config", write_config())
    assert outcome.code == 1
    assert outcome.errors.startswith("openscale-gateway: ")
    assert outcome.errors.count("\n") == 1


def test_serving_does_not_load_the_demo() -> None:
    code = (
        "import sys; from gateway.cli.main import _parser; _parser(['serve', '--config', 'x']);"
        "sys.exit('gateway.cli.demo' in sys.modules or 'rich.progress' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_reader_that_has_seen_enough_is_no_failure(
    append: Callable[..., None], write_config: Callable[..., Path]
) -> None:
    append(*(entry(filler=1000) for _ in range(500)))
    for arguments in (["payloads", "export", "--config", write_config()], ["schema"]):
        with start(*arguments) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.read(1)
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait() == 0
