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
