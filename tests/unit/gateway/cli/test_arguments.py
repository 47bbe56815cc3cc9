import argparse

import pytest

from gateway.cli.arguments import at_least, moment


def test_whole_numbers_are_read_from_a_least_one_on() -> None:
    assert at_least(0)("0") == 0
    assert at_least(1)("500") == 500


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "x", "٣", "1_000"])
def test_others_are_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="whole number from 1 on"):
        at_least(1)(text)


@pytest.mark.parametrize(
    ("text", "unix_us"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-02", 86_400_000_000),
        ("1970-01-01T01:00:00.5+01:00", 500_000),
    ],
)
def test_moments_and_days_are_read(text: str, unix_us: int) -> None:
    assert moment(text) == unix_us


@pytest.mark.parametrize("text", ["yesterday", "1970-01-01T00:00:01", "1970-13-01", ""])
def test_other_moments_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="2026-11-21T12:00:00Z"):
        moment(text)
