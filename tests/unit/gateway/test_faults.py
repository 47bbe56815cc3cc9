import asyncio
import json

import pytest

from gateway.faults import Fault, attempted, blaming, briefly
from schemas.errors import ConfigurationError, MissingExtraError

WHO = "engines.e (type tin, of tins 1.2)"
HERE = r"gateway/test_faults\.py:\d+"


class PanicError(BaseException):
    """As extensions in other languages raise it: no Exception."""


class MuteError(Exception):
    def __str__(self) -> str:
        raise SystemExit(9)


def fail(error: BaseException) -> None:
    raise error


def fail_deep_down() -> None:
    json.loads("planted-value")


@pytest.mark.parametrize("error", [ZeroDivisionError("planted-value"), SystemExit(3), PanicError("planted-value")])
def test_whatever_a_plugin_raises_is_told_in_its_name_with_the_place_and_without_the_text(error: BaseException) -> None:
    kind = type(error).__name__
    with (
        pytest.raises(ConfigurationError, match=rf"its `connect` failed with {kind} \(.*{HERE} fail\)\.$") as caught,
        blaming(WHO, "its `connect`"),
    ):
        fail(error)
    assert caught.value.message.startswith(f"{WHO}: ")
    assert "planted-value" not in caught.value.message


def test_sentences_for_people_pass_as_they_are() -> None:
    error = MissingExtraError(needed_by="a sink", package="x", extra="y")
    with pytest.raises(MissingExtraError) as caught, blaming(WHO, "its `connect`"):
        fail(error)
    assert caught.value is error


@pytest.mark.parametrize("end", [KeyboardInterrupt, asyncio.CancelledError])
def test_ends_are_nobodys_fault(end: type[BaseException]) -> None:
    with pytest.raises(end), blaming(WHO, "its `connect`"):
        fail(end())
    with pytest.raises(end):
        attempted(lambda: fail(end()))


def test_a_fault_in_a_library_is_told_with_the_line_that_called_it() -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        fail_deep_down()
    places = briefly(caught.value).removeprefix("JSONDecodeError (").removesuffix(")").split(" > ")
    assert len(places) == 3
    assert "test_faults.py" in places[0]
    assert places[-1].startswith("json/decoder.py:")


def test_work_that_succeeds_gives_its_result() -> None:
    assert attempted(lambda: [1]) == [1]


def test_a_fault_before_any_setting_is_told_with_the_first_line_of_its_text() -> None:
    fault = attempted(lambda: fail(RuntimeError("It needs\na newer library.")))
    assert isinstance(fault, Fault)
    assert fault.told.startswith("RuntimeError: It needs (")
    assert "newer" not in fault.told


def test_a_text_that_is_no_utf8_can_be_written_all_the_same() -> None:
    assert Fault.of(OSError("no file a\udcff")) == Fault("OSError: no file a\\udcff")


@pytest.mark.parametrize(("error", "told"), [(MuteError(), "MuteError"), (ValueError(), "ValueError")])
def test_an_error_without_a_text_is_told_by_its_class(error: Exception, told: str) -> None:
    assert Fault.of(error) == Fault(told)
