import uuid

from gateway.scoring_id import mint, share_of


def test_is_a_uuid_of_version_7_with_the_time_of_the_call() -> None:
    scoring_id = mint(1_767_225_600_123)
    assert len(scoring_id) == 32
    parsed = uuid.UUID(hex=scoring_id)
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert parsed.int >> 80 == 1_767_225_600_123


def test_ids_sort_by_time_and_never_repeat() -> None:
    ids = [mint(now) for now in range(1_700_000_000_000, 1_700_000_001_000)]
    assert sorted(ids) == ids
    assert len({mint(1) for _ in range(10_000)}) == 10_000


def test_shares_are_spread_evenly() -> None:
    shares = [share_of(mint(5)) for _ in range(20_000)]
    assert all(0 <= share < 1 for share in shares)
    assert 0.47 < sum(shares) / len(shares) < 0.53
    assert 0.07 < sum(share < 0.1 for share in shares) / len(shares) < 0.13
