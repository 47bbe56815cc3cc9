import math

import pytest

from gateway.mapping.numbers import is_missing, number_in


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1),
        (0.5, 0.5),
        (True, 1),
        ("7", 7),
        ("-7", -7),
        ("0", 0),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        (" 9.1E-02 ", 0.091),
        ("9007199254740993", 9007199254740993),
        (10**400, 10**400),
        ("1" * 400, int("1" * 400)),
    ],
    ids=str,
)
def test_a_number_is_read_whether_spelled_or_not(value, number):
    assert number_in(value) == number


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "x",
        "1_0",
        "007",
        "00.5",
        "+1",
        "\u0661",
        "0x1",
        "1 0",
        ".",
        "-",
        "9" * 5000,
        "nan",
        "inf",
        math.nan,
        math.inf,
        "1e999",
        [1],
        {},
    ],
    ids=str,
)
def test_what_is_no_finite_number_is_none(value):
    assert number_in(value) is None


@pytest.mark.parametrize(("text", "missing"), [("", True), ("  ", True), ("nan", True), (" NaN", True), ("n", False)])
def test_blank_and_nan_stand_for_a_number_that_is_not_there(text, missing):
    assert is_missing(text) is missing
