import stat
from pathlib import Path

from gateway.directory_store import DirectoryStore, KnownEndpoints
from schemas.deployment import Endpoint

ENDPOINTS = (Endpoint(name="loan", native={"key": "k"}),)
KNOWN = {"aws": KnownEndpoints(refreshed_at=1.5, seal="salt:digest", endpoints=ENDPOINTS)}


def test_reads_what_was_written(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "directory.json")
    assert store.read() == {}
    assert store.version() == 0
    store.write(KNOWN)
    assert store.read() == KNOWN
    assert store.version() != 0
    assert [item.name for item in tmp_path.iterdir()] == ["directory.json"]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "directory.json")
    store.write(KNOWN)
    assert stat.S_IMODE((tmp_path / "directory.json").stat().st_mode) == 0o600


def test_broken_file_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "directory.json"
    path.write_bytes(b'{"aws": {"refreshed_at": 1.5, "endp')
    store = DirectoryStore(path)
    assert store.read() == {}
    store.write(KNOWN)
    assert store.read() == KNOWN


def test_missing_folder_costs_nothing_but_the_file(tmp_path: Path) -> None:
    DirectoryStore(tmp_path / "gone" / "directory.json").write(KNOWN)
    assert list(tmp_path.iterdir()) == []


def test_engines_that_are_wanted_are_told_once(tmp_path: Path) -> None:
    leader, followers = DirectoryStore(tmp_path / "directory.json"), DirectoryStore(tmp_path / "directory.json")
    followers.want(["aws", "eu"])
    followers.want(["aws"])
    assert leader.take_wanted() == {"aws", "eu"}
    assert leader.take_wanted() == set()
    assert list(tmp_path.iterdir()) == []


def test_engines_can_be_wanted_in_vain(tmp_path: Path) -> None:
    DirectoryStore(tmp_path / "gone" / "directory.json").want(["aws"])
    assert list(tmp_path.iterdir()) == []
