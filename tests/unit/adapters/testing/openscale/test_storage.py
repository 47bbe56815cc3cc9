import msgspec

from adapters.testing.openscale.rows import Record, parse_records
from adapters.testing.openscale.storage import Storage


def record(scoring_id: str) -> Record:
    table = {"fields": ["a"], "values": [[1]]}
    times = {"scoring_id": scoring_id, "scoring_timestamp": "2026-11-21T10:00:00Z"}
    [parsed] = parse_records(msgspec.json.encode([{"request": table, "response": table, **times}]))
    return parsed


def test_what_is_taken_is_stored_with_its_last_poll() -> None:
    storage = Storage(2)
    taken = storage.take("t", [record("a")])
    storage.poll(taken)
    assert (taken.settled, storage.rows) == (False, {})
    storage.poll(taken)
    assert (taken.settled, taken.end, list(storage.rows["t"])) == (True, "active", ["a-1"])


def test_without_polls_it_is_stored_at_once() -> None:
    storage = Storage(0)
    assert storage.take("t", [record("a")]).settled
    assert list(storage.rows["t"]) == ["a-1"]


def test_poison_and_failing_requests_end_in_error_and_are_counted_as_taken() -> None:
    storage = Storage(0)
    storage.poison.add("bad")
    assert storage.take("t", [record("a"), record("bad.2")]).end == "error"
    storage.failing = 1
    assert [storage.take("t", [record("a")]).end for _ in range(2)] == ["error", "active"]
    assert storage.taken == {"a": 3, "bad.2": 1}


def test_a_record_is_refused_by_its_own_id_also_in_parts() -> None:
    storage = Storage(0)
    storage.refused.add("bad")
    assert storage.refuses([record("a"), record("bad.1")])
    assert not storage.refuses([record("a")])
