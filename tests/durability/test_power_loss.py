"""The power goes at any moment: every record that was acknowledged is there, whatever was on its way to the disk."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw
import pytest

from gateway.payloadlog import database
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.spool import Spool
from gateway.payloadlog.writer import SpoolWriter
from schemas.errors import SpoolUnavailableError
from tests.durability.power_loss import LossyDisk, PowerLostError
from tests.fakes.payload_records import entry

MAX_BYTES = 10**10
CALLERS = 6
CALLS = 12


@contextmanager
def on_disk(disk: LossyDisk) -> Iterator[None]:
    """Let the connections of the block be the only ones, on this disk.

    SQLite gets no shared memory through a storage layer in Python: one connection keeps the index of the WAL itself.
    """

    def alone(connection: apsw.Connection) -> None:
        connection.pragma("locking_mode", "exclusive")

    apsw.connection_hooks.append(alone)
    try:
        yield
    finally:
        apsw.connection_hooks.remove(alone)
        disk.unregister()


async def append_until_off(path: Path) -> list[str]:
    """Append from several callers at once; return what was acknowledged."""
    acknowledged: list[str] = []

    async def call(caller: int) -> None:
        for n in range(CALLS):
            scoring_id = f"{caller}-{n}"
            await writer.append(entry(f"d{caller % 3}", scoring_id=scoring_id, filler=100 + caller * 900))
            acknowledged.append(scoring_id)

    with suppress(SpoolUnavailableError, PowerLostError):
        async with SpoolWriter(path, max_bytes=MAX_BYTES) as writer:
            await asyncio.gather(*(call(caller) for caller in range(CALLERS)), return_exceptions=True)
    return acknowledged


async def lose_power(folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[bool, int]:
    """Append to a spool until the power goes at a seeded point; return whether it did, and how much was kept."""
    # So that the power goes during checkpoints, too.
    monkeypatch.setattr(database, "CHECKPOINT_BY_WRITERS_PAGES", 60)
    choose = random.Random(seed)  # noqa: S311 - the same moments at every run
    path = Spool.open(folder / f"payloads-{seed}.db", max_bytes=MAX_BYTES).path
    torn = choose if choose.random() < 0.5 else None
    disk = LossyDisk(survives=choose.randint(20, 400), torn=torn)
    with on_disk(disk):
        acknowledged = await append_until_off(path)
    assert Spool.open(path, max_bytes=MAX_BYTES).recovery is None
    stored = [record.scoring_id for record in SpoolReader(path).records()]
    assert not set(acknowledged) - set(stored)
    assert len(set(stored)) == len(stored) == SpoolReader(path).depth().records
    return disk.off, len(stored)


@pytest.mark.parametrize("seed", range(20))
async def test_every_acknowledged_record_survives_the_loss_of_power(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lose_power(tmp_path, seed, monkeypatch)


@pytest.mark.soak
async def test_every_acknowledged_record_survives_the_loss_of_power_at_200_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = [await lose_power(tmp_path, seed, monkeypatch) for seed in range(1000, 1200)]
    assert sum(off for off, _ in outcomes) > 150
    assert len({kept for _, kept in outcomes}) > 8
