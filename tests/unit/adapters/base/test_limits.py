import msgspec
import pytest

from adapters.base.limits import LimitSettings
from schemas.deployment import Limits


def test_nothing_is_limited_by_default():
    assert LimitSettings().limits() == Limits(max_bytes=None, max_rows=None, max_parallel=4)


def test_an_endpoint_gets_the_configured_limits():
    settings = msgspec.convert({"max_bytes": 1000, "max_rows": 10, "max_parallel": 2}, LimitSettings)
    assert settings.limits() == Limits(max_bytes=1000, max_rows=10, max_parallel=2)


@pytest.mark.parametrize("name", ["max_bytes", "max_rows", "max_parallel"])
def test_a_limit_lets_something_through(name):
    with pytest.raises(msgspec.ValidationError, match=">= 1"):
        msgspec.convert({name: 0}, LimitSettings)
