from pathlib import Path

from adapters.testing.sagemaker import SageMakerEmulator
from gateway.payloadlog.reading import SpoolReader
from tests.acceptance.postgres.conftest import Database
from tests.gateway_commands import audited, payloads
from tests.gateway_process import StartGateway
from tests.process.calling import SPOOL, becomes, calling, credit_rows, score
from tests.process.clouds import AWS, aws_part, configuration

FOREIGN = "f" * 32


async def test_an_audit_names_the_records_and_rows_that_a_table_has_lost_and_has_too_much(
    sagemaker: SageMakerEmulator, database: Database, start_gateway: StartGateway, tmp_path: Path
) -> None:
    sink = {"type": "postgres", "dsn": database.server.dsn(database.name), "batch": {"seconds": 0.1}}
    gateway = await start_gateway(configuration(aws_part(sagemaker.url), sinks={"warehouse": sink}))
    # Nothing is delivered, and no table made.
    assert await audited(gateway, "warehouse") == {}
    async with calling(gateway) as session:
        answers = [await score(session, AWS, credit_rows(2)) for _ in range(5)]
    await becomes(lambda: all(account.pending == 0 for account in SpoolReader(tmp_path / SPOOL).accounts()))
    lost, cut, doubled, *_ = (answer.scoring_id for answer in answers)
    assert await audited(gateway, "warehouse") == {}

    await database.execute(f"DELETE FROM payload_records WHERE scoring_id = '{lost}' OR id = '{cut}-2'")  # noqa: S608
    for row_id, scoring_id in ((f"{doubled}-x", doubled), (f"{FOREIGN}-1", FOREIGN)):
        await database.execute(copied(f"{doubled}-1", row_id, scoring_id))
    assert await audited(gateway, "warehouse") == {
        "missing": [lost],
        "incomplete": [cut],
        "doubled": [doubled],
        "surplus": [FOREIGN],
    }

    await database.execute("DROP TABLE payload_records")
    found = await audited(gateway, "warehouse")
    assert found == {"missing": sorted(answer.scoring_id for answer in answers)}

    await database.server.execute("postgres", f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
    ended = await payloads(gateway, "audit")
    assert ended.code == 1
    assert "warehouse: PostgreSQL" in ended.complaint


def copied(row_id: str, new_id: str, scoring_id: str) -> str:
    """Return the statement that inserts a row again, under another id."""
    return f"""
        INSERT INTO payload_records SELECT (jsonb_populate_record(
            r, jsonb_build_object('id', '{new_id}', 'scoring_id', '{scoring_id}'))).*
        FROM payload_records r WHERE id = '{row_id}'
    """  # noqa: S608
