"""Named after the fault: the gateway starts, keeps every intact record, sets the rest aside, and says how many."""

import asyncio
import os
import time
from pathlib import Path

import apsw
import pytest
from structlog.testing import capture_logs

from adapters.base.sink import RecordFilter
from adapters.testing.emulator import Fault
from adapters.testing.openscale import OpenScaleEmulator
from adapters.testing.sagemaker import SageMakerEmulator
from gateway.payloadlog.appending import Appender
from gateway.payloadlog.cursors import Cursors, Registration
from gateway.payloadlog.database import connect
from gateway.payloadlog.lane import ConnectedSink
from gateway.payloadlog.pace import Pace
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.shipper import Shipper
from gateway.payloadlog.spool import Spool
from schemas.configuration import BatchSettings, SinkSettings
from tests.fakes.engines import ScriptedEngine
from tests.fakes.gateways import running_gateway
from tests.fakes.payload_records import FIRST_US, entry
from tests.fakes.sinks import FakeSink
from tests.gateway_process import StartGateway
from tests.process.calling import SPOOL, becomes, calling, metric, score
from tests.process.clouds import AWS, DATA_SETS, OPERATOR, aws_part, configuration, openscale_sinks

PAGE_BYTES = 4096
WAL_HEADER_BYTES = 32
FRAME_BYTES = 24 + PAGE_BYTES
MAX_BYTES = 10**10
RECORDS = 200


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An empty spool with one sink, named as gateways in tests name theirs."""
    path = Spool.open(tmp_path / "payloads.db", max_bytes=MAX_BYTES).path
    cursors = Cursors(path)
    cursors.register({"a": Registration(RecordFilter(), "beginning")})
    cursors.close()
    return path


def append(path: Path, first: int = 0, n: int = RECORDS) -> list[str]:
    """Append records one by one, each a transaction; return their ids."""
    appender = Appender(path)
    scoring_ids = [f"{number:032x}" for number in range(first, first + n)]
    for scoring_id in scoring_ids:
        appender.append([entry(scoring_id=scoring_id, filler=1500, scored_at_us=time.time_ns() // 1000)])
    appender.close()
    return scoring_ids


def checkpoint(path: Path) -> None:
    connection = connect(path)
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    connection.close()


def spoil_page(path: Path) -> None:
    """Overwrite the page in the middle of the file, which holds records."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // PAGE_BYTES * PAGE_BYTES)
        file.write(os.urandom(PAGE_BYTES))


def spoil_page_of(path: Path, scoring_id: str) -> None:
    """Overwrite the page that holds this record, which is in the file, not in the WAL."""
    at = path.read_bytes().index(scoring_id.encode())
    with path.open("r+b") as file:
        file.seek(at // PAGE_BYTES * PAGE_BYTES)
        file.write(os.urandom(PAGE_BYTES))


def files_of(path: Path) -> list[Path]:
    return list(path.parent.iterdir())


def stored(path: Path) -> list[str]:
    return [record.scoring_id for record in SpoolReader(path).records()]


def cut_off_process(path: Path, copy: Path) -> Path:
    """Copy file and WAL as they are while a process writes: what it leaves when it dies."""
    for suffix in ("", "-wal"):
        source = Path(f"{path}{suffix}")
        Path(f"{copy}{suffix}").write_bytes(source.read_bytes())
    return copy


async def test_bad_page_costs_its_own_records_and_log_metric_and_stats_say_how_many(path: Path) -> None:
    scoring_ids = append(path)
    checkpoint(path)
    spoil_page(path)
    with capture_logs() as log:
        async with running_gateway(path.parent, ScriptedEngine()) as gateway:
            kept = stored(path)
            lost = len(scoring_ids) - len(kept)
            assert 0 < lost < 10
            assert await gateway.metric("spool_recoveries_total") == 1
            assert await gateway.metric("spool_damaged_records_total") == lost
            assert await gateway.metric("spool_recovered_records_total") == len(kept)
    assert set(kept) < set(scoring_ids)
    (said,) = [line for line in log if line["event"] == "damaged spool recovered"]
    assert (said["records_kept"], said["records_lost"]) == (len(kept), lost)
    assert said["damaged_file"] in map(str, files_of(path))
    stats = SpoolReader(path).stats()
    assert (stats.recoveries.times, stats.recoveries.records_lost) == (1, lost)
    assert all(account.balances for account in stats.accounts)


def test_figures_of_recoveries_add_up_over_several(path: Path) -> None:
    lost = 0
    for n in (1, 2):
        append(path, first=n * 1000)
        checkpoint(path)
        spoil_page(path)
        report = Spool.open(path, max_bytes=MAX_BYTES).recovery
        assert report is not None
        lost += report.lost or 0
    recoveries = SpoolReader(path).stats().recoveries
    assert (recoveries.times, recoveries.records_lost, recoveries.uncounted) == (2, lost, 0)


def test_torn_write_at_the_end_of_the_wal_costs_only_what_was_not_acknowledged(path: Path, tmp_path: Path) -> None:
    appender = Appender(path)
    for n in range(50):
        appender.append([entry(scoring_id=f"{n:032x}", filler=100)])
    copy = cut_off_process(path, tmp_path / "torn.db")
    appender.close()
    wal = Path(f"{copy}-wal")
    with wal.open("r+b") as file:
        file.truncate(wal.stat().st_size - 700)
    assert Spool.open(copy, max_bytes=MAX_BYTES).recovery is None
    assert stored(copy) == [f"{n:032x}" for n in range(49)]
    assert all(account.balances for account in SpoolReader(copy).accounts())


def test_half_written_wal_keeps_every_transaction_before_the_broken_frame(path: Path, tmp_path: Path) -> None:
    appender = Appender(path)
    for n in range(50):
        appender.append([entry(scoring_id=f"{n:032x}", filler=100)])
    copy = cut_off_process(path, tmp_path / "half.db")
    appender.close()
    wal = Path(f"{copy}-wal")
    frames = (wal.stat().st_size - WAL_HEADER_BYTES) // FRAME_BYTES
    with wal.open("r+b") as file:
        file.seek(WAL_HEADER_BYTES + frames // 2 * FRAME_BYTES + 500)
        file.write(b"\xff" * 600)
    assert Spool.open(copy, max_bytes=MAX_BYTES).recovery is None
    kept = stored(copy)
    assert 0 < len(kept) < 50
    assert kept == [f"{n:032x}" for n in range(len(kept))]
    account, depth = SpoolReader(copy).accounts()[0], SpoolReader(copy).depth()
    assert (account.accepted, account.balances, depth.records) == (len(kept), True, len(kept))


async def test_clock_that_steps_back_changes_neither_order_nor_delivery(path: Path) -> None:
    sink = FakeSink()
    settings = SinkSettings(type="fake", batch=BatchSettings(seconds=0.0))
    appender = Appender(path)
    connected = ConnectedSink("a", sink, settings)
    async with Shipper(path, {"a": connected}, pace=Pace(poll=0.02, gather=0.0)):
        for n, scored_at_us in enumerate((FIRST_US, FIRST_US - 3600 * 10**6, FIRST_US + 1)):
            appender.append([entry(scoring_id=f"{n:032x}", scored_at_us=scored_at_us)])
        await sink.has(3)
        async with asyncio.timeout(10):
            while SpoolReader(path).accounts()[0].pending:
                await asyncio.sleep(0.01)
    appender.close()
    assert sink.stored == stored(path) == [f"{n:032x}" for n in range(3)]
    assert Spool.open(path, max_bytes=MAX_BYTES).recovery is None


@pytest.mark.parametrize("workers", [1, 2])
async def test_bad_page_that_is_met_while_serving_is_recovered_without_a_person(
    workers: int,
    sagemaker: SageMakerEmulator,
    openscale: OpenScaleEmulator,
    start_gateway: StartGateway,
    tmp_path: Path,
) -> None:
    openscale.play(Fault(route="store", times=None, status=503))
    sinks = openscale_sinks(openscale, AWS)
    gateway = await start_gateway(configuration(aws_part(sagemaker.url), sinks=sinks, server={"workers": workers}))
    path = tmp_path / SPOOL
    async with calling(gateway) as session:
        scored = [answer.scoring_id for answer in await asyncio.gather(*(score(session, AWS) for _ in range(RECORDS)))]
        checkpoint(path)
        spoil_page_of(path, scored[RECORDS // 2])
        openscale.recover()
        said = await asyncio.wait_for(gateway.logged("damaged spool recovered"), 60)
        await gateway.ready()
        scored.append((await score(session, AWS)).scoring_id)
        assert 0 < said["records_lost"] < 10
        assert said["records_kept"] == RECORDS - said["records_lost"]
        await becomes(lambda: SpoolReader(path).accounts()[0].pending == 0)
        async with calling(gateway, OPERATOR) as operator:
            assert await metric(operator, "spool_damaged_records_total") == said["records_lost"]
    (account,) = SpoolReader(path).accounts()
    assert (account.accepted, account.dropped, account.balances) == (
        RECORDS + 1,
        {"damaged": said["records_lost"]},
        True,
    )
    shipped = {row["scoring_id"].removesuffix("-1") for row in openscale.rows(DATA_SETS[AWS])}
    assert shipped == set(stored(path))
    assert shipped < set(scored)
    assert scored[-1] in shipped
    assert await gateway.stop() == 0
