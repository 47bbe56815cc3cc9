import pytest

from gateway.config.scalars import read_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("007", 7),
        ("0o17", 15),
        ("0xFf", 255),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("-2e-3", -0.002),
        ("18446744073709551615", 2**64 - 1),
    ],
)
def test_the_core_schema_of_yaml_is_followed(text: str, value: object) -> None:
    assert read_scalar(text) == value
    assert type(read_scalar(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    ["No", "yes", "on", "Off", "y", "2026-11-21", "12:30:45", "1_000", "0b1", "nULL", "1e", "-", ".", "=", "<<", "٣"],
)
def test_what_other_versions_of_yaml_convert_stays_text(text: str) -> None:
    assert read_scalar(text) == text


@pytest.mark.parametrize(
    "text", [".inf", "-.INF", ".nan", "1e999", "18446744073709551616", "-" + "9" * 5000, "9" * 500]
)
def test_numbers_that_json_can_not_hold_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="put it in quotes"):
        read_scalar(text)
