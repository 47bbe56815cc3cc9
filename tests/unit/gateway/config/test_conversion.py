from typing import Annotated

import pytest
from msgspec import Meta, field

from gateway.config.conversion import convert
from gateway.config.findings import Findings
from schemas.configuration import Settings


class Inner(Settings, frozen=True, kw_only=True):
    low: int = 0
    high: int = 1

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise ValueError("`low` must be less than `high`")


class Outer(Settings, frozen=True, kw_only=True):
    one: Inner | None = None
    many: Annotated[dict[str, Inner], Meta(description="By name.")] = field(default_factory=dict)
    some: tuple[Inner, ...] = ()
    size: int = 0

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("Too small.")


BAD = {"low": 2, "high": 1}


def converted(value: object) -> tuple[Outer | None, list[str]]:
    findings = Findings()
    return convert(value, Outer, ("top",), findings), [line.removeprefix("f:1:1: ") for line in findings.lines("f", {})]


def test_right_values_become_a_struct() -> None:
    outer, lines = converted({"many": {"a": {"high": 5}}, "some": [{}]})
    assert outer == Outer(many={"a": Inner(high=5)}, some=(Inner(),))
    assert lines == []


def test_every_struct_objects_at_its_own_place() -> None:
    outer, lines = converted({"one": BAD, "many": {"a": {}, "b": BAD}, "some": [{}, BAD]})
    assert outer is None
    assert lines == [f"{place}: `low` must be less than `high`." for place in ("top.many.b", "top.one", "top.some[1]")]


def test_a_struct_objects_once_what_is_in_it_is_right() -> None:
    assert converted({"size": -1}) == (None, ["top: Too small."])


@pytest.mark.parametrize("value", [{"size": "secret"}, {"many": "secret"}, {"size": 1.5}, {"secret": 1}])
def test_a_value_of_another_type_is_not_quoted(value: object) -> None:
    assert converted(value) == (None, ["top: A value is not of the type that its option has."])
