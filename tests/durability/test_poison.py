"""One record that OpenScale takes and can never store, among a thousand."""

import asyncio
import math
from pathlib import Path

from adapters.testing.openscale import OpenScaleEmulator
from adapters.testing.sagemaker import SageMakerEmulator
from gateway.payloadlog.dead_letters import read_dead_letters
from gateway.payloadlog.reading import SpoolReader
from tests.gateway_process import StartGateway
from tests.process.calling import SPOOL, becomes, calling, score
from tests.process.clouds import AWS, DATA_SETS, aws_part, configuration, openscale_sinks

N = 1000
# Before it is halved a batch is sent three times, for it may have been the sink's mood; so is the record in the end.
REPEATS = 4


async def test_a_poison_record_costs_few_sends_and_the_other_999_arrive(
    sagemaker: SageMakerEmulator, openscale: OpenScaleEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    sinks = openscale_sinks(openscale, AWS)
    sinks["openscale"]["batch"] = {"records": N, "kb": 10_000, "seconds": 600}
    gateway = await start_gateway(configuration(aws_part(sagemaker.url), sinks=sinks))
    async with calling(gateway) as session:
        answers = []
        for _ in range(9):
            answers += await asyncio.gather(*(score(session, AWS) for _ in range(N // 9)))
        poison = answers[N // 3].scoring_id
        openscale.poison.add(poison)
        assert "store" not in openscale.requests
        answers += await asyncio.gather(*(score(session, AWS) for _ in range(N - len(answers))))

    spool = tmp_path / SPOOL
    await becomes(lambda: SpoolReader(spool).accounts()[0].pending == 0, seconds=15)
    (account,) = SpoolReader(spool).accounts()
    assert (account.delivered, account.dead, account.balances) == (N - 1, 1, True)
    (letter,) = read_dead_letters(spool)
    assert letter.scoring_id == poison
    assert letter.reason.startswith("OpenScale took the records and could not store them (state error")
    stored = {row["scoring_id"] for row in openscale.rows(DATA_SETS[AWS])}
    assert stored == {f"{answer.scoring_id}-1" for answer in answers if answer.scoring_id != poison}
    assert openscale.requests["store"] - 1 <= 2 * math.log2(N) + REPEATS
