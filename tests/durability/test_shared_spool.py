"""Two gateways on one spool, as in an update without a pause."""

import asyncio
from pathlib import Path

from adapters.testing.openscale import OpenScaleEmulator
from adapters.testing.sagemaker import SageMakerEmulator
from gateway.payloadlog.reading import SpoolReader
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.calling import SPOOL, becomes, calling, score
from tests.process.clouds import AWS, DATA_SETS, aws_part, configuration, openscale_sinks


async def test_a_second_gateway_appends_beside_the_first_and_delivers_when_that_one_has_ended(
    sagemaker: SageMakerEmulator, openscale: OpenScaleEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    config = configuration(aws_part(sagemaker.url), sinks=openscale_sinks(openscale, AWS))

    async def scored(gateway: GatewayProcess) -> list[str]:
        async with calling(gateway) as session:
            return [(await score(session, AWS)).scoring_id for _ in range(30)]

    def delivered() -> bool:
        (account,) = SpoolReader(tmp_path / SPOOL).accounts()
        assert account.balances
        return (account.accepted, account.pending) == (len(scoring_ids), 0)

    first, second = await start_gateway(config), await start_gateway(config)
    scoring_ids = [one for ids in await asyncio.gather(scored(first), scored(second)) for one in ids]
    await becomes(delivered)
    assert await first.stop() == 0
    scoring_ids += await scored(second)
    await becomes(delivered)
    assert await second.stop() == 0
    stored = [row["scoring_id"] for row in openscale.rows(DATA_SETS[AWS])]
    assert sorted(stored) == sorted(f"{scoring_id}-1" for scoring_id in scoring_ids)
