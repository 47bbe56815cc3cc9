import asyncio
from pathlib import Path

import pytest

from gateway.payloadlog import damage as damage_module
from gateway.payloadlog.damage import DamageWatch
from gateway.payloadlog.database import mark_suspect


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(damage_module, "LOOK_SECONDS", 0.01)


async def test_damage_that_anybody_meets_is_told_to_who_watches_and_keeps_calls_away(spool: Path) -> None:
    watch = DamageWatch(spool)
    met = asyncio.create_task(watch.met())
    assert watch.problem is None
    await asyncio.to_thread(mark_suspect, spool)
    await asyncio.wait_for(met, 10)
    assert watch.problem is not None
    assert str(spool) in watch.problem


async def test_folder_that_cannot_be_looked_into_is_no_damage(tmp_path: Path) -> None:
    watch = DamageWatch(tmp_path / ("x" * 300))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watch.met(), 0.1)
    assert watch.problem is None
