"""What sizing needs: records a second into the spool and out of it, syncs, and bytes a record on disk.

python -m benchmarks.spool [--records 20000] [--directory DIR]
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from msgspec import Raw, json

from adapters.base.sink import Batch, Receipt, RecordFilter, Settlement
from adapters.testing.credit_risk import COLUMNS, rows
from gateway.payloadlog.entry import SpoolEntry
from gateway.payloadlog.lane import ConnectedSink
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.shipper import Shipper
from gateway.payloadlog.spool import Spool
from gateway.payloadlog.writer import SpoolWriter
from gateway.scoring_id import mint
from schemas.configuration import BatchSettings, SinkSettings
from schemas.payload import PayloadRecord

CALLERS = 64


class Nowhere:
    """A sink that stores at once: what is left is the shipper's own work."""

    filter = RecordFilter()

    def partition(self, record: PayloadRecord) -> str:
        return ""

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        return Receipt()

    async def settle(self, receipt: Receipt, *, deadline: float) -> Settlement:
        return Settlement(state="stored")


def entry(n_rows: int) -> SpoolEntry:
    """Return a record of a credit application of so many rows, with all 20 columns."""
    now = time.time_ns()
    request = {"fields": list(COLUMNS), "values": [list(row) for row in rows(n_rows, 1)]}
    response = {"fields": ["prediction", "probability"], "values": [["No Risk", [0.75, 0.25]]] * n_rows}
    record = PayloadRecord(
        scoring_id=mint(now // 1_000_000),
        transaction_id=None,
        deployment_id="credit-risk",
        engine="aws",
        origin="application",
        caller="loans-app",
        scoring_timestamp="2026-11-21T12:00:00.000000Z",
        response_time=12,
        status=200,
        outcome="scored",
        caller_gone=False,
        rows=n_rows,
        request=Raw(json.encode(request)),
        response=Raw(json.encode(response)),
    )
    return SpoolEntry(
        scoring_id=record.scoring_id,
        deployment_id=record.deployment_id,
        outcome="scored",
        origin="application",
        scored_at_us=now // 1000,
        line=record.encode(),
    )


async def append(path: Path, n_records: int, n_rows: int) -> str:
    sample = entry(n_rows)
    async with SpoolWriter(path, max_bytes=10**12) as writer:

        async def call() -> None:
            for _ in range(n_records // CALLERS):
                await writer.append(sample)

        start = time.perf_counter()
        await asyncio.gather(*(call() for _ in range(CALLERS)))
        seconds = time.perf_counter() - start
        commits = writer.commits
    depth = SpoolReader(path).depth()
    return (
        f"{n_rows:3} rows a record: {depth.records / seconds:7.0f} records/s in, "
        f"{depth.records / commits:5.1f} records a sync, {len(sample.line):6} bytes of JSON, "
        f"{depth.bytes / depth.records:6.0f} bytes on disk"
    )


async def ship(path: Path) -> str:
    settings = SinkSettings(type="nowhere", start="beginning", batch=BatchSettings(seconds=0.1))
    reader = SpoolReader(path)
    start = time.perf_counter()
    async with Shipper(path, {"nowhere": ConnectedSink("nowhere", Nowhere(), settings)}):
        while (account := reader.accounts()[0]).pending or not account.delivered:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return f"{account.delivered / (time.perf_counter() - start):7.0f} records/s out to one sink"


async def measure(directory: Path, n_records: int) -> None:
    for n_rows, share in ((1, 1.0), (10, 0.5), (100, 0.1)):
        path = Spool.open(directory / f"{n_rows}.db", max_bytes=10**12).path
        appended = await append(path, int(n_records * share), n_rows)
        print(f"{appended}, {await ship(path)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--directory", type=Path, help="on the disk to be measured; default: a temporary one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as temporary:
        asyncio.run(measure(Path(temporary), arguments.records))
