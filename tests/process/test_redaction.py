"""Values in columns to be redacted are found nowhere but at the engine and in their caller's own answers."""

import asyncio
import base64
import hmac
import io
from contextlib import chdir, redirect_stderr, redirect_stdout
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec import json

from adapters.testing.credit_risk import NUMERIC_COLUMNS
from adapters.testing.emulator import Fault
from adapters.testing.openscale import OpenScaleEmulator
from adapters.testing.sagemaker import SageMakerEmulator
from adapters.testing.webhook import WebhookReceiver
from gateway.cli import main
from gateway.payloadlog.reading import SpoolReader
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.calling import SPOOL, Answer, becomes, calling, credit_rows, score
from tests.process.clouds import AWS, DATA_SETS, MONITOR, OPERATOR, Tree, aws_part, configuration, openscale_sinks

DROPPED, MASKED, HASHED = "planted-in-telephone-6f1d", "planted-in-history-93ab", "planted-in-savings-27ce"
AMOUNT = 73918.4625
PLANTED = (DROPPED, MASKED, HASHED, str(AMOUNT))
REDACT = {"Telephone": "drop", "CreditHistory": "mask", "ExistingSavings": "hash", "LoanAmount": "hash"}
# In columns that nobody redacts: what proves that planted values would be found.
VISIBLE = "planted-in-job-and-visible-58d0"
NATIVE = "credit-native"
"""The same endpoint, where applications send what it takes itself."""
KEY = "key-of-the-digests"
WEBHOOK_SECRET = base64.b64encode(b"secret-of-this-webhook!!").decode()


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    folder = tmp_path / "objects"
    folder.mkdir()
    return folder


def planted(n_rows: int = 1) -> dict[str, Any]:
    """Return a request with the values in each row, and again in `meta`."""
    body = credit_rows(n_rows)
    cells = {
        "Telephone": DROPPED,
        "CreditHistory": MASKED,
        "ExistingSavings": HASHED,
        "LoanAmount": AMOUNT,
        "Job": VISIBLE,
    }
    for row in body["values"]:
        for name, cell in cells.items():
            row[body["fields"].index(name)] = cell
    body["meta"] = {"fields": list(cells), "values": [list(cells.values()) for _ in range(n_rows)]}
    return body


def tree(sagemaker: SageMakerEmulator, openscale: OpenScaleEmulator, webhook: WebhookReceiver, objects: Path) -> Tree:
    part = aws_part(sagemaker.url, redact=REDACT)
    part["deployments"][AWS]["output"]["echo_inputs"] = True
    part["deployments"][NATIVE] = part["deployments"][AWS] | {"log": "native"}
    sinks = openscale_sinks(openscale, AWS) | {
        "objects": {"type": "object_store", "url": objects.as_uri(), "format": "jsonl", "batch": {"seconds": 0.1}},
        "webhook": {
            "type": "webhook",
            "url": webhook.events_url,
            "secret": f"whsec_{WEBHOOK_SECRET}",
            "batch": {"seconds": 0.1},
        },
    }
    server = {"log_level": "debug", "max_body_mb": 0.2, "drain_seconds": 0.5}
    return configuration(part, sinks=sinks, server=server, payload_log={"redaction_key": KEY})


async def test_a_value_planted_in_redacted_columns_is_found_nowhere(
    sagemaker: SageMakerEmulator,
    openscale: OpenScaleEmulator,
    start_gateway: StartGateway,
    tmp_path: Path,
    objects: Path,
) -> None:
    async with WebhookReceiver(secret=f"whsec_{WEBHOOK_SECRET}") as webhook:
        openscale.play(Fault(route="store", times=None, status=503))
        gateway = await start_gateway(tree(sagemaker, openscale, webhook, objects))
        async with calling(gateway) as session:
            scored = [
                await score(session, AWS, body) for body in (planted(), {"input_data": [planted(2)]}, planted(80))
            ]
            assert [answer.status for answer in scored] == [200] * 3
            # The caller sees its own values, echoed.
            assert DROPPED in str(scored[0].body)
            await _send_natively(session)
            openscale.refused.add(scored[1].scoring_id)
            openscale.poison.add(scored[2].scoring_id)
            openscale.recover()
            await _fail_in_every_way(session, sagemaker)
        reader = SpoolReader(tmp_path / SPOOL)
        await becomes(lambda: all(account.pending == 0 for account in reader.accounts()), seconds=60)
        dead = {account.sink: account.dead for account in reader.accounts()}
        assert dead == {"objects": 0, "openscale": 2, "webhook": 0}

        places = await _places(gateway, openscale, webhook, tmp_path)
        assert await gateway.stop() == 0
        places |= files(tmp_path) | {"log": json.encode(gateway.log)}
    for name, content in places.items():
        assert not [value for value in PLANTED if any(form in content for form in forms(value))], name
    found = {name for name, content in places.items() if VISIBLE.encode() in content}
    assert {SPOOL, "export", "payloads", "openscale", "webhook", "objects"} <= {
        name.partition("/")[0] for name in found
    }
    assert NATIVE.encode() in places["export"]
    assert "log" not in found
    assert "metrics" not in found
    for value in (HASHED, AMOUNT):
        digest = hmac.new(KEY.encode(), json.encode(value), sha256).hexdigest()
        assert digest.encode() in places["export"]
        assert sha256(json.encode(value)).hexdigest().encode() not in places["export"]


async def _send_natively(session: aiohttp.ClientSession) -> None:
    """Make a call in the endpoint's own form, and two that it can't be, with a planted value in each."""
    row = ",".join(str(AMOUNT) if name == "LoanAmount" else "1" for name in NUMERIC_COLUMNS)
    statuses = []
    for body in (row, f"{row},{DROPPED}", f"{row}\n{HASHED}"):
        async with session.post(
            f"/v1/deployments/{NATIVE}/online", data=body, headers={"Content-Type": "text/csv"}
        ) as response:
            statuses.append(response.status)
            assert not [value for value in PLANTED if value in await response.text()]
    assert statuses == [200, 400, 400]


async def _fail_in_every_way(session: aiohttp.ClientSession, sagemaker: SageMakerEmulator) -> None:
    """Make calls that fail, each with the planted values in it."""
    quoting = json.encode({"message": f"can't use {PLANTED}"})
    ragged, foreign, twice = planted(), planted(), planted()
    ragged["values"][0].append(DROPPED)
    foreign["values"][0][foreign["fields"].index("LoanAmount")] = [HASHED]
    twice["fields"][0] = "Telephone"
    incomplete = {"fields": ["Telephone", "CreditHistory"], "values": [[DROPPED, MASKED]]}
    whole = json.encode(planted())
    answers: list[Answer] = []
    for fault in (
        Fault(route="invocations", status=400, body=quoting),
        Fault(route="invocations", times=None, status=500, body=quoting),
        Fault(route="invocations", body=quoting),
        Fault(route="invocations", connection="truncate"),
    ):
        sagemaker.play(fault)
        answers.append(await score(session, AWS, planted()))
        sagemaker.recover()
    assert {answer.status for answer in answers} <= {502, 503}
    bodies = (ragged, foreign, twice, incomplete, whole[:-10], whole + whole, planted(700))
    refused = [await score(session, AWS, body) for body in bodies]
    assert [answer.status for answer in refused] == [400, 422, 400, 422, 400, 400, 413]
    # Not even the caller's own error says what the cell was.
    assert not [answer for answer in refused if any(value in str(answer.body) for value in PLANTED)]


async def _places(
    gateway: GatewayProcess, openscale: OpenScaleEmulator, webhook: WebhookReceiver, directory: Path
) -> dict[str, bytes]:
    """Return the content of everything that can be looked at while the gateway runs, by name."""
    places = files(directory)
    assert f"{SPOOL}-wal" in places
    places["openscale"] = json.encode(openscale.rows(DATA_SETS[AWS]))
    places["webhook"] = json.encode(webhook.events)
    async with calling(gateway, OPERATOR) as operator, calling(gateway, MONITOR) as monitor:
        for path in ("/metrics", "/readyz", "/v1/payloads", "/v1/deployments"):
            async with operator.get(path) as response:
                places[path.rpartition("/")[2]] = await response.read()
        places["an error of somebody else"] = json.encode((await score(monitor, AWS, {"fields": []})).body)
    for name, arguments in {
        "export": ["export"],
        "rows": ["export", "--format", "csv"],
        "tail": ["tail", "-n", "100"],
        "dead letters": ["dead-letters"],
        "dead letters as JSON": ["dead-letters", "--json"],
        "stats": ["stats"],
        "audit": ["audit"],
    }.items():
        places[name] = await asyncio.to_thread(_printed, gateway, arguments)
    return places


def _printed(gateway: GatewayProcess, arguments: list[str]) -> bytes:
    """Return what a command prints: run in this process, which has loaded everything."""
    action, *options = arguments
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with redirect_stdout(output), redirect_stderr(output), chdir(gateway.config_file.parent):
        main(["payloads", action, "--config", str(gateway.config_file), *options])
    output.flush()
    return output.detach().getvalue()


def files(directory: Path) -> dict[str, bytes]:
    """Return all files of the gateway by name: spool, WAL and its index, persisted directory, objects."""
    return {str(file.relative_to(directory)): file.read_bytes() for file in directory.rglob("*") if file.is_file()}


def forms(value: str) -> list[bytes]:
    """Return what a value could look like."""
    plain = value.encode()
    return [plain, plain.hex().encode(), base64.b64encode(plain).rstrip(b"=")[:-1]]
