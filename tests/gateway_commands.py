"""Commands of the gateway beside one that runs, to their end: in this process, which has loaded everything."""

import asyncio
import io
from contextlib import chdir, redirect_stderr, redirect_stdout
from typing import NamedTuple

from msgspec import json

from gateway.cli import main
from tests.gateway_process import GatewayProcess


class Ended(NamedTuple):
    code: int
    output: str
    complaint: str


async def payloads(gateway: GatewayProcess, *arguments: str) -> Ended:
    """Run `payloads` with these arguments and the gateway's configuration."""
    action, *options = arguments
    given = ["payloads", action, "--config", str(gateway.config_file), *options]
    output, complaint = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(complaint), chdir(gateway.config_file.parent):
        code = await asyncio.to_thread(main, given)
    return Ended(code, output.getvalue(), complaint.getvalue())


async def audited(gateway: GatewayProcess, sink: str) -> dict[str, list[str]]:
    """Audit one sink; return the scoring ids of what was found by kind."""
    ended = await payloads(gateway, "audit", "--json", "--sink", sink)
    assert not ended.complaint
    report = json.decode(ended.output)
    assert report["audited"][sink]["problem"] is None
    found: dict[str, list[str]] = {}
    for finding in report["findings"]:
        found.setdefault(finding["kind"], []).append(finding["scoring_id"])
    assert ended.code == (1 if found else 0)
    return found
