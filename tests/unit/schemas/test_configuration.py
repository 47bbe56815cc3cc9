import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.configuration import DiscoverySettings, EngineSettings

NAMES = st.text("ab-", min_size=1, max_size=4)
PATTERNS = st.lists(st.text("ab-*?/[]!", max_size=6), max_size=2).map(tuple)


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


@pytest.mark.parametrize(
    ("discover", "endpoints"),
    [
        (True, ["shared", "credit"]),
        (False, []),
        ({"include": ("shared",)}, ["shared"]),
        ({"include": ("shared/blue",)}, ["shared"]),
        ({"include": ("s[gh]*/b*",)}, ["shared"]),
        ({"include": ("cred?t",)}, ["credit"]),
        ({"include": ("*blue",)}, ["shared", "credit"]),
        ({"include": ("*blue",), "exclude": ("sh*",)}, ["credit"]),
        ({"exclude": ("*/blue",)}, ["shared", "credit"]),
        ({"include": ("share", "shared-2/x")}, []),
    ],
)
def test_parts_are_looked_for_wherever_a_pattern_may_fit_one(discover, endpoints):
    discover = discover if isinstance(discover, bool) else DiscoverySettings(**discover)
    settings = EngineSettings(type="any", discover=discover)
    assert [name for name in ("shared", "credit") if settings.discovers_within(name)] == endpoints


@given(include=PATTERNS, exclude=PATTERNS, endpoint=NAMES, part=NAMES)
def test_no_part_that_is_wanted_is_overlooked(include, exclude, endpoint, part):
    settings = EngineSettings(type="any", discover=DiscoverySettings(include=include, exclude=exclude))
    assert not settings.discovers(f"{endpoint}/{part}") or settings.discovers_within(endpoint)
