import pytest

from adapters.base.patience import MAX_MISSED, Patience, may_pass
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineRefusedError,
    EngineReplyError,
    EngineTimeoutError,
    EngineUnavailableError,
)

DOWN = EngineUnavailableError("down")


def test_patience_lasts_for_each_name_a_few_times():
    patience = Patience()
    assert [patience.lasts("a", DOWN) for _ in range(MAX_MISSED + 2)] == [True] * MAX_MISSED + [False] * 2
    assert patience.lasts("b", DOWN)


def test_nobody_waits_for_a_refusal():
    assert not Patience().lasts("a", EngineRefusedError("no", engine_status=403))


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (DOWN, True),
        (EngineTimeoutError("slow"), True),
        (EngineRefusedError("failed", engine_status=500), True),
        (EngineRefusedError("no", engine_status=403), False),
        (EngineEndpointNotFoundError("gone", engine_status=404), False),
        (EngineRefusedError("no"), False),
        (EngineReplyError("nonsense"), False),
    ],
)
def test_only_what_the_platform_did_not_decide_may_pass(error, passes):
    assert may_pass(error) is passes
