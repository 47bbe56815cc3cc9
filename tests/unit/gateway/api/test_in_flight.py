import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.api.in_flight import SMALLEST_SHARE_BYTES, InFlight
from schemas.errors import OverloadedError


def test_room_that_is_given_back_can_be_taken_again() -> None:
    in_flight = InFlight(10_000)
    share = in_flight.take(9_000)
    with pytest.raises(OverloadedError) as refused:
        in_flight.take(2_000)
    assert refused.value.retry_after == 1.0
    in_flight.give_back(share)
    assert in_flight.take(10_000) == 10_000


def test_empty_bodies_take_room_too() -> None:
    in_flight = InFlight(3 * SMALLEST_SHARE_BYTES)
    for _ in range(3):
        assert in_flight.take(0) == SMALLEST_SHARE_BYTES
    with pytest.raises(OverloadedError):
        in_flight.take(0)


@settings(deadline=None)
@given(st.lists(st.integers(0, 5_000)))
def test_never_holds_more_than_its_bound_and_ends_empty(sizes: list[int]) -> None:
    in_flight = InFlight(10_000)
    shares = []
    for n_bytes in sizes:
        try:
            shares.append(in_flight.take(n_bytes))
        except OverloadedError:
            assert in_flight.bytes + max(n_bytes, SMALLEST_SHARE_BYTES) > 10_000
        assert in_flight.bytes <= 10_000
    for share in shares:
        in_flight.give_back(share)
    assert in_flight.bytes == 0
