"""`payloads audit`: the spool's books beside what the sinks hold."""

import argparse
import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import get_args

import msgspec
from msgspec import Struct

from adapters.base import AuditableSink
from gateway.cli.console import say, say_error
from gateway.cli.errors import CommandError
from gateway.cli.payloads_sinks import connected_sinks
from gateway.cli.tables import add_row, new_table, output_console
from gateway.config import load
from gateway.payloadlog.accounting import SinkAccount
from gateway.payloadlog.auditing import Audit, AuditedSink, Finding, Kind
from gateway.payloadlog.reading import SpoolReader
from gateway.registry import Registry

KINDS: tuple[Kind, ...] = get_args(Kind)
NOT_ASKED = "It can't be asked what it holds: its books alone are shown."


class _Report(Struct, frozen=True):
    books: Sequence[SinkAccount]
    audited: dict[str, AuditedSink]
    findings: Sequence[Finding]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument("--sink", metavar="NAME", help="only this one; default: all that can be asked")
    parser.add_argument(
        "--shared", action="store_true", help="other gateways fill the sink, too: what only it holds is no mismatch"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Audit; 1 where a sink does not hold exactly what it should, could not be asked, or its books don't balance."""
    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    configuration = load(arguments.config, Registry.load())
    path = Path(configuration.payload_log.path)
    async with AsyncExitStack() as stack:
        connected = await connected_sinks(stack, configuration, arguments.sink)
        sinks = {name: one.sink for name, one in connected.items() if isinstance(one.sink, AuditableSink)}
        if arguments.sink is not None and not sinks:
            raise CommandError(f"The sink {arguments.sink}: {NOT_ASKED}", target=f"sinks.{arguments.sink}")
        audit = Audit(path, sinks)
        tell = (lambda _: None) if arguments.json else _tell
        findings = await _findings(audit, tell)
    books = await asyncio.to_thread(SpoolReader(path).accounts)
    books = [account for account in books if arguments.sink in (None, account.sink)]
    report = _Report(books, audit.sinks, findings)
    if arguments.json:
        say(msgspec.json.encode(report).decode())
    else:
        _show(report)
    wrong = [finding for finding in findings if not (arguments.shared and finding.kind == "surplus")]
    sound = all(account.balances for account in books) and all(not seen.problem for seen in audit.sinks.values())
    return 0 if sound and not wrong else 1


async def _findings(audit: Audit, tell: Callable[[Finding], None]) -> list[Finding]:
    findings = []
    async for finding in audit.run():
        tell(finding)
        findings.append(finding)
    return findings


def _tell(finding: Finding) -> None:
    say(f"{finding.kind}: {finding.sink} {finding.deployment_id} {finding.scoring_id}")


def _show(report: _Report) -> None:
    counts = Counter((finding.sink, finding.kind) for finding in report.findings)
    numbers = ("accepted", "delivered", "pending", "dead", "dropped", "compared", "held", *KINDS)
    table = new_table("sink", *numbers[:5], "balances", *numbers[5:], numbers=numbers)
    for account in report.books:
        seen = report.audited.get(account.sink)
        add_row(
            table,
            account.sink,
            *(account.accepted, account.delivered, account.pending, account.dead, sum(account.dropped.values())),
            "yes" if account.balances else "NO",
            *(("-", "-") if seen is None else (seen.compared, seen.held)),
            *("-" if seen is None else counts[account.sink, kind] for kind in KINDS),
        )
        problem = (NOT_ASKED if account.configured else None) if seen is None else seen.problem
        if problem is not None:
            say_error(f"{account.sink}: {problem}")
    output_console().print(table)
