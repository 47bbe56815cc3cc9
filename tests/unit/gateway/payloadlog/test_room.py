import pytest

from gateway.payloadlog.room import MIN_DISK_FREE_BYTES, Room
from schemas.errors import SpoolFullError, SpoolUnavailableError


def room(used: int = 0, free: int = 10**12) -> Room:
    made = Room(max_bytes=1000, max_queue_bytes=500)
    made.measured(used, free)
    return made


def test_records_written_since_the_measurement_count() -> None:
    made = room(used=800)
    made.take(150)
    made.written(150)
    made.check(50)
    with pytest.raises(SpoolFullError):
        made.check(51)
    assert made.fill == 0.95
    made.measured(100, 10**12)
    made.check(400)


def test_disk_keeps_a_reserve_for_the_spools_own_work() -> None:
    made = room(free=MIN_DISK_FREE_BYTES + 100)
    made.check(100)
    with pytest.raises(SpoolUnavailableError, match="disk"):
        made.check(101)


def test_queue_takes_one_record_of_any_size() -> None:
    made = room()
    made.take(501)
    with pytest.raises(SpoolUnavailableError, match="waiting"):
        made.take(1)
    made.given_up(501)
    made.take(1)


def test_failing_refuses_until_writing_works() -> None:
    made = room()
    made.failing("The disk is gone.")
    with pytest.raises(SpoolUnavailableError, match="gone"):
        made.check(1)
    made.written(0)
    made.check(1)
