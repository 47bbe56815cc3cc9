"""A process that is killed loses nothing that it acknowledged."""

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.spool import Spool

ROOT = Path(__file__).parents[2]


async def start(path: Path, name: str, n_callers: int = 8) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.durability.appending_process",
        str(path),
        name,
        str(n_callers),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )


async def killed_after(process: asyncio.subprocess.Process, n: int) -> list[str]:
    """Kill a process when it has acknowledged n records; return all that it acknowledged."""
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(n)]
    process.kill()
    rest = await process.stdout.read()
    await process.wait()
    # A line that was cut by the kill was not acknowledged.
    whole = b"".join(lines) + rest[: rest.rfind(b"\n") + 1]
    return whole.decode().split()


@pytest.mark.parametrize("seed", range(6))
async def test_every_acknowledged_record_survives_kill_9(seed: int, tmp_path: Path) -> None:
    spool = Spool.open(tmp_path / "payloads.db", max_bytes=10**10).path
    acknowledged: list[str] = []
    for kill in range(2):
        process = await start(spool, f"p{kill}")
        acknowledged += await killed_after(process, random.Random(seed * 10 + kill).randint(1, 3000))  # noqa: S311
        assert Spool.open(spool, max_bytes=10**10).recovery is None
    stored = Counter(record.scoring_id for record in SpoolReader(spool).records())
    assert not set(acknowledged) - set(stored)
    assert set(stored.values()) == {1}
    assert SpoolReader(spool).depth().records == stored.total()


async def test_two_processes_append_at_once_and_one_dies(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path / "payloads.db", max_bytes=10**10).path
    first, second = await asyncio.gather(start(spool, "first"), start(spool, "second"))
    died = await killed_after(first, 500)
    lived = await killed_after(second, 2000)
    stored = [record.scoring_id for record in SpoolReader(spool).records()]
    assert not {*died, *lived} - set(stored)
    for name in ("first", "second"):
        for caller in range(8):
            own = [int(one.rsplit("-", 1)[1]) for one in stored if one.startswith(f"{name}-{caller}-")]
            assert own == sorted(own)
