import pytest

from schemas.configuration import DiscoverySettings, EngineSettings


@pytest.mark.parametrize(
    ("discover", "names"),
    [
        (True, ["credit-1", "credit-2", "Fraud"]),
        (False, []),
        (DiscoverySettings(), ["credit-1", "credit-2", "Fraud"]),
        (DiscoverySettings(include=("credit-?", "fraud")), ["credit-1", "credit-2"]),
        (DiscoverySettings(exclude=("*-1",)), ["credit-2", "Fraud"]),
        (DiscoverySettings(include=("credit-*",), exclude=("credit-*",)), []),
    ],
)
def test_discovery_finds_what_is_included_and_not_excluded(discover, names):
    settings = EngineSettings(type="any", discover=discover)
    assert [name for name in ("credit-1", "credit-2", "Fraud") if settings.discovers(name)] == names


@pytest.mark.parametrize(
    ("discover", "names"),
    [
        ({"include": ("shared",)}, ["shared/a", "shared/b"]),
        ({"include": ("shared/b",)}, ["shared/b"]),
        ({"exclude": ("shared",)}, ["share/a"]),
        ({"exclude": ("*/a",)}, ["shared/b"]),
    ],
)
def test_a_pattern_for_what_stands_before_a_slash_is_one_for_all_below_it(discover, names):
    settings = EngineSettings(type="any", discover=DiscoverySettings(**discover))
    assert [name for name in ("shared/a", "shared/b", "share/a") if settings.discovers(name)] == names
