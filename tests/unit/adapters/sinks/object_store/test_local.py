import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.sinks.object_store.local import LocalStore
from schemas.errors import SinkUnavailableError

NAME = "deployment_id=a/date=2026-11-21/1-2-2.jsonl"


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_an_object_is_a_file_and_nothing_else_is_left(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put(NAME, b"first", "text/plain")
    store.put(NAME, b"again", "text/plain")
    assert files(tmp_path) == [NAME]
    assert (tmp_path / NAME).read_bytes() == b"again"


def test_names_are_found_by_their_beginning(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put(NAME, b"", "text/plain")
    assert store.names("deployment_id=a/date=2026-11-21/1-") == [NAME]
    assert store.names("deployment_id=a/date=2026-11-21/2-") == []
    assert store.names("deployment_id=b/date=2026-11-21/1-") == ()


def test_all_files_are_listed_and_read_back(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put(NAME, b"body", "text/plain")
    assert list(store.all_names("deployment_id=a/date=2026-11-21/")) == [NAME]
    assert list(store.all_names("deployment_id=b/date=2026-11-21/")) == []
    assert store.get(NAME) == b"body"
    assert store.get("deployment_id=a/no-such-1.jsonl") is None
    with pytest.raises(SinkUnavailableError, match="does not exist"):
        list(LocalStore(tmp_path / "mount").all_names("p/"))


def test_a_folder_that_does_not_exist_is_not_made_since_it_may_be_a_mount(tmp_path: Path) -> None:
    with pytest.raises(SinkUnavailableError, match="does not exist"):
        LocalStore(tmp_path / "mount").put(NAME, b"", "text/plain")
    assert not (tmp_path / "mount").exists()


def test_what_a_crash_left_behind_is_taken_over_by_the_next_cut(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with largest_file(10), pytest.raises(SinkUnavailableError):
        store.put("p/1-2-2.jsonl", b"x" * 11, "text/plain")
    assert store.names("p/1-") == []
    store.put("p/1-3-3.jsonl", b"whole", "text/plain")
    assert files(tmp_path) == ["p/1-3-3.jsonl"]


def test_a_disk_that_takes_no_more_is_unavailable_and_says_why(tmp_path: Path) -> None:
    with largest_file(10), pytest.raises(SinkUnavailableError, match="File too large"):
        LocalStore(tmp_path).put(NAME, b"x" * 11, "text/plain")


def test_a_file_where_a_folder_should_be_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "deployment_id=a").write_text("")
    with pytest.raises(SinkUnavailableError) as caught:
        LocalStore(tmp_path).put(NAME, b"", "text/plain")
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno in (errno.EEXIST, errno.ENOTDIR)


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    """Let the kernel refuse larger files, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
