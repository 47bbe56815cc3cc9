from pathlib import Path

import pytest

from gateway.payloadlog.leader import LeaderLock
from schemas.errors import PayloadLogError


def test_one_leads_and_another_takes_over_when_it_is_gone(tmp_path: Path) -> None:
    first, second = LeaderLock(tmp_path / "payloads.db"), LeaderLock(tmp_path / "payloads.db")
    assert first.try_acquire()
    assert first.try_acquire()
    assert not second.try_acquire()
    first.release()
    with second:
        assert second.try_acquire()
        assert second.held
    assert not second.held


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(PayloadLogError, match="folder"):
        LeaderLock(tmp_path / "none" / "payloads.db").try_acquire()
