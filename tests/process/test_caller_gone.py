"""A caller that hangs up changes nothing: the call is finished and recorded."""

from pathlib import Path

import pytest

from adapters.testing.emulator import Fault
from adapters.testing.sagemaker import SageMakerEmulator
from tests.gateway_process import StartGateway
from tests.process.calling import calling, connected, credit_rows, raw_request, records, score
from tests.process.clouds import AWS, aws_part, configuration


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_a_call_whose_caller_hangs_up_is_finished_and_recorded(
    how: str, sagemaker: SageMakerEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    gateway = await start_gateway(configuration(aws_part(sagemaker.url), server={"log_level": "debug"}))
    sagemaker.play(Fault(route="invocations", delay_seconds=0.5))

    async with connected(gateway) as (_, writer):
        writer.write(b"".join(raw_request(AWS, credit_rows(3))))
        await sagemaker.seen("invocations")
        if how == "abort":
            writer.transport.abort()
    scored = await gateway.logged("scored")

    async with calling(gateway) as session:
        answer = await score(session, AWS)
    gone, stayed = records(tmp_path)
    assert gone["scoring_id"] == scored["scoring_id"]
    assert (gone["caller_gone"], gone["outcome"], gone["status"], gone["rows"]) == (True, "scored", 200, 3)
    assert len(gone["response"]["values"]) == 3
    assert (stayed["scoring_id"], stayed["caller_gone"]) == (answer.scoring_id, False)
