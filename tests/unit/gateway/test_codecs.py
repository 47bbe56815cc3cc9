import pytest

from gateway.codecs import merged_options

PRESET = {"format": "table", "at": "input_data", "columns": "columns"}


@pytest.mark.parametrize(
    ("override", "merged"),
    [
        ({}, PRESET),
        ({"at": "x"}, {**PRESET, "at": "x"}),
        ({"format": "table", "at": "x"}, {**PRESET, "at": "x"}),
        ({"format": "rows"}, {"format": "rows"}),
        ({"at": None}, {**PRESET, "at": None}),
    ],
)
def test_an_override_changes_single_options_unless_it_names_another_codec(
    override: dict[str, object], merged: dict[str, object]
) -> None:
    assert merged_options(PRESET, override) == merged


def test_without_a_preset_the_override_is_all() -> None:
    assert merged_options({}, {"format": "rows"}) == {"format": "rows"}
