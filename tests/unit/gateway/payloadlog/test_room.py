import pytest

from gateway.payloadlog.retention import CROWDED
from gateway.payloadlog.room import MIN_DISK_FREE_BYTES, NEARLY_FULL, Room
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


def test_reserved_room_is_nobody_elses_until_it_is_given_back() -> None:
    made = room(used=400)
    made.reserve(300)
    made.reserve(300)
    with pytest.raises(SpoolFullError):
        made.reserve(1)
    assert made.fill == 0.4
    made.release(300)
    made.take(250)
    made.reserve(50)
    with pytest.raises(SpoolFullError):
        made.check(1)


def test_disk_has_no_room_twice_for_the_same_bytes() -> None:
    made = room(free=MIN_DISK_FREE_BYTES + 100)
    made.reserve(60)
    with pytest.raises(SpoolUnavailableError, match="disk"):
        made.reserve(60)


def test_spool_that_retention_keeps_as_full_as_it_may_be_is_no_warning() -> None:
    assert CROWDED < NEARLY_FULL
    assert room(used=round(CROWDED * 1000)).warning is None
    assert room(used=949).warning is None


def test_spool_that_fills_beyond_that_is_a_warning_before_it_is_full() -> None:
    made = room(used=950)
    made.check(50)
    assert made.warning is not None
    assert "95% full" in made.warning


def test_disk_that_runs_out_is_a_warning_before_it_has() -> None:
    made = room(free=MIN_DISK_FREE_BYTES + 51)
    assert made.warning is None
    made.take(10)
    made.check(40)
    assert made.warning is not None
    assert "disk" in made.warning
