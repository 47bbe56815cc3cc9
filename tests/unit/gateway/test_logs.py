import logging
from collections.abc import Iterator

import pytest
import structlog
from msgspec import json

from gateway import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "planted-value" not in captured.err
    return [json.decode(line) for line in captured.err.splitlines()]


def test_a_line_is_a_json_object_with_time_and_level(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    structlog.get_logger("x").info("scored", scoring_id="a1", rows=3)
    (line,) = lines(capsys)
    assert (line["event"], line["level"], line["scoring_id"], line["rows"]) == ("scored", "info", "a1", 3)
    assert str(line["timestamp"]).endswith("Z")


@pytest.mark.parametrize(("level", "shown"), [("debug", 3), ("info", 2), ("warning", 1), ("error", 0)])
def test_least_level_is_kept(capsys: pytest.CaptureFixture[str], level: str, shown: int) -> None:
    logs.configure(level)
    log = structlog.get_logger("x")
    log.debug("d")
    log.info("i")
    log.warning("w")
    assert len(lines(capsys)) == shown


def test_libraries_are_told_by_their_place_and_not_in_their_words(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("debug")
    library = logging.getLogger("some.library")
    library.info("below what is shown")
    library.warning("body was %s", "planted-value")
    try:
        raise ValueError("planted-value")
    except ValueError:
        library.exception("it failed with planted-value")
    warned, failed = lines(capsys)
    assert (warned["event"], warned["logger"], warned["level"]) == ("library message", "some.library", "warning")
    assert str(warned["place"]).startswith("test_logs.py:")
    assert failed["fault"] == "ValueError"


def test_fault_is_its_class_and_its_places() -> None:
    def fail() -> None:
        raise KeyError("planted-value")

    with pytest.raises(KeyError) as raised:
        fail()
    described = logs.fault(raised.value)
    assert described["fault"] == "KeyError"
    places = described["places"]
    assert isinstance(places, list)
    assert "test_logs.py" in places[-1]
    assert places[-1].endswith(" fail")
    assert "planted-value" not in str(described)


def test_configuring_again_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    logs.configure("info")
    logging.getLogger("some.library").warning("once")
    structlog.get_logger("x").info("once")
    assert len(lines(capsys)) == 2


def test_a_command_shows_errors_only_and_leaves_the_rest_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    with logs.errors_only():
        structlog.get_logger("x").warning("a warning")
        structlog.get_logger("x").error("an error")
    assert structlog.get_config() == before
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "a warning" not in captured.err
    assert "an error" in captured.err
