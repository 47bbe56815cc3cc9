"""The tests mirror the packages: a module that nobody tests by itself is found here."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "adapters", "gateway")

# Modules without a test file of their own, each with the reason.
WITHOUT = {
    "adapters/base/engine.py": "a protocol; tests/contract/engines runs every engine through it",
    "adapters/base/format.py": "a protocol; tests/contract/formats runs every format through it",
    "adapters/base/sink.py": "a protocol; tests/contract/sinks runs every sink through it",
    "adapters/base/tokens.py": "a protocol; tests/unit/adapters/tokens has its implementations",
    "adapters/base/transport.py": "a protocol; tests/unit/gateway/test_transport.py has its implementation",
    "adapters/sinks/postgres/sink.py": "needs a server: tests/acceptance/postgres and the contract of sinks",
    "adapters/sinks/postgres/table.py": "needs a server: tests/acceptance/postgres",
    "adapters/testing/azureml/workspace.py": "routes of the emulator, which test_emulator.py goes through",
    "gateway/__main__.py": "three lines; tests/unit/gateway/cli runs every process through it",
    "gateway/payloadlog/entry.py": "a struct without behaviour",
    "gateway/cli/errors.py": "an error without behaviour",
    "gateway/cli/payloads_audit.py": "tests/durability/test_payload_commands.py runs the command",
    "gateway/cli/payloads_dead_letters.py": "tests/durability/test_payload_commands.py runs the commands",
    "gateway/cli/payloads_replay.py": "tests/durability/test_payload_commands.py runs the command",
    "gateway/cli/payloads_sinks.py": "tests/durability/test_payload_commands.py runs the commands that use it",
    "gateway/payloadlog/audit_window.py": "test_auditing.py goes through it",
    "gateway/payloadlog/requeue_lane.py": "test_dead_letters.py ships by it",
    "gateway/payloadlog/requeued.py": "test_dead_letters.py keeps its books with it",
    "schemas/caller.py": "types; their one property is seen in tests/unit/gateway/api/test_calls.py",
    "schemas/errors.py": "classes; tests/unit/gateway/api/test_errors.py goes through all of them",
    "schemas/payload.py": "a struct; tests/unit/gateway/payloadlog/test_call_record.py writes and reads it",
    "schemas/table.py": "a struct without behaviour",
}


# Whole folders whose modules are tested together.
TOGETHER = {
    "adapters/testing/conformance/": "the kit itself: tests/contract runs all of it over every adapter",
}


def modules() -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py" and not path.relative_to(ROOT).as_posix().startswith(tuple(TOGETHER))
    }


def mirror(module: str) -> str:
    folder, _, name = module.rpartition("/")
    return f"tests/unit/{folder}/test_{name}"


def test_every_module_has_its_test_file() -> None:
    missing = sorted(module for module in modules() - WITHOUT.keys() if not (ROOT / mirror(module)).exists())
    assert missing == []


def test_exceptions_are_of_modules_that_have_no_test_file() -> None:
    assert sorted(WITHOUT.keys() - modules()) == []
    assert sorted(module for module in WITHOUT if (ROOT / mirror(module)).exists()) == []


def test_every_test_file_has_its_module() -> None:
    tested = {mirror(module) for module in modules()}
    found = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / "tests" / "unit" / package).rglob("test_*.py")
    }
    assert sorted(found - tested) == []
