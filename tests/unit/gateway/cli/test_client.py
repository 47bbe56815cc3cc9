from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec import json

from schemas.configuration import OutputSettings
from schemas.errors import EngineRefusedError
from tests.fakes.engines import first_cells, in_turn, raises, says
from tests.fakes.gateways import BASIC, deployed, running_gateway
from tests.unit.gateway.cli.conftest import Outcome

Run = Callable[..., Awaitable[Outcome]]


async def test_deployments_are_listed_with_whole_urls(tmp_path: Path, run_beside: Run) -> None:
    deployments = {"credit-" + "x" * 80: deployed(name="Credit [risk]", problem_type="binary"), "plain": deployed()}
    async with running_gateway(tmp_path, deployments=deployments) as gateway:
        outcome = await run_beside("deployments", "--url", gateway.url)
        assert outcome.code == 0
        head, first, second = outcome.output.splitlines()
        assert head.split() == ["id", "name", "problem", "type", "scoring", "URL"]
        public_id = "credit-" + "x" * 80
        assert first.split("  ")[0] == public_id
        assert "Credit [risk]  binary" in first
        assert first.rstrip().endswith(f"{gateway.url}/v1/deployments/{public_id}/online")
        assert second.split()[:3] == ["plain", "model", "-"]
        document = json.decode((await run_beside("deployments", "--json", "--url", gateway.url)).output)
        assert document == (await gateway.call("GET", "/v1/deployments")).body


async def test_csv_is_scored_in_batches_into_one_answer(tmp_path: Path, run_beside: Run) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n" + "".join(f"{n},x\n" for n in range(25)))
    async with running_gateway(tmp_path) as gateway:
        score = ("score", "credit", "--input", file, "--url", gateway.url, "--batch-rows", "10")
        outcome = await run_beside(*score, "--json")
        assert (outcome.code, outcome.errors) == (0, "")
        assert json.decode(outcome.output) == {"fields": ["prediction"], "values": [[n] for n in range(25)]}
        assert [record["rows"] for record in gateway.records()] == [10, 10, 5]
        table = (await run_beside(*score)).output.splitlines()
        assert table[1].split() == ["1", "0"]
        assert table[-1] == "25 rows scored."


async def test_json_is_scored_with_its_meta(tmp_path: Path, run_beside: Run) -> None:
    body = {"fields": ["a"], "values": [[1]], "meta": {"fields": ["Sex"], "values": [["F"]]}}
    file = tmp_path / "rows.json"
    file.write_bytes(json.encode(body))
    async with running_gateway(tmp_path) as gateway:
        assert (await run_beside("score", "credit", "--input", file, "--url", gateway.url)).code == 0
        assert gateway.records()[0]["request"] == body


async def test_file_without_rows_is_answered_without_rows(tmp_path: Path, run_beside: Run) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n")
    settings = deployed(output=OutputSettings(prediction="prediction"))
    async with running_gateway(tmp_path, deployments={"credit": settings}) as gateway:
        score = ("score", "credit", "--input", file, "--url", gateway.url)
        assert (await run_beside(*score, "--json")).output == '{"fields":["prediction"],"values":[]}\n'
        assert (await run_beside(*score)).output.splitlines()[-1] == "0 rows scored."


async def test_refusal_is_told_with_its_place_and_trace(tmp_path: Path, run_beside: Run) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a,a\n1,2\n")
    async with running_gateway(tmp_path, auth=BASIC) as gateway:
        score = ("score", "credit", "--input", file, "--url", gateway.url)
        outcome = await run_beside(*score, "--user", "loans-app", "--password", "app-pass")
        assert (outcome.code, outcome.output) == (1, "")
        assert outcome.errors.startswith("openscale-gateway: 400: A column is named twice. (at fields[1]) (trace ")
        unknown = await run_beside(
            "score", "no/body?x", "--input", file, "--url", gateway.url, "--user", "ops", "--password", "ops-pass"
        )
        assert unknown.errors.startswith("openscale-gateway: 404: No deployment has this id.")
        assert (await run_beside(*score)).errors.startswith("openscale-gateway: 401: ")


async def test_batch_that_fails_fails_the_command(tmp_path: Path, run_beside: Run) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a\n1\n2\n")
    async with running_gateway(tmp_path) as gateway:
        score = ("score", "credit", "--input", file, "--url", gateway.url, "--batch-rows", "1", "--json")
        gateway.engine.answer = in_turn(first_cells, raises(EngineRefusedError("It said no.")))
        assert (await run_beside(*score)).code == 1
        gateway.engine.answer = in_turn(first_cells, says({"fields": ["other"], "values": [[1]]}))
        assert "different columns" in (await run_beside(*score)).errors


async def test_wrong_number_of_rows_in_a_batch_is_wrong_usage(tmp_path: Path, run_beside: Run) -> None:
    outcome = await run_beside("score", "credit", "--input", tmp_path / "x.csv", "--batch-rows", "0")
    assert outcome.code == 2
