"""`check`: every mistake of a configuration at once; with `--online`, its engines are asked, too."""

import argparse
import asyncio
from contextlib import AsyncExitStack

from gateway.cli.console import say, say_error
from gateway.config import Configuration, load
from gateway.registry import Registry
from gateway.transport import HttpTransport
from schemas.errors import GatewayError


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("check", help="show every mistake of a configuration at once")
    parser.add_argument("--config", required=True, metavar="FILE")
    parser.add_argument("--online", action="store_true", help="ask the engines for their endpoints, too")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    configuration = load(arguments.config, Registry.load())
    say(
        f"{arguments.config}: no mistakes; {len(configuration.engines)} engines, "
        f"{len(configuration.deployments)} deployments, {len(configuration.sinks)} sinks."
    )
    if not arguments.online:
        return 0
    return asyncio.run(_ask_engines(configuration))


async def _ask_engines(configuration: Configuration) -> int:
    failed = 0
    async with AsyncExitStack() as stack:
        transport = await stack.enter_async_context(HttpTransport())
        for name, engine in configuration.engines.items():
            connected = await stack.enter_async_context(engine.plugin.connect(engine.settings, transport))
            found = {endpoint.name for endpoint in connected.configured()}
            try:
                if engine.settings.discover:
                    found |= {endpoint.name for endpoint in await connected.endpoints()}
            except GatewayError as error:
                failed += 1
                say_error(f"engines.{name}: {error.message}")
                continue
            say(f"engines.{name}: {len(found)} endpoints: {', '.join(sorted(found)) or '-'}")
            failed += _report_missing(configuration, name, found)
    return 1 if failed else 0


def _report_missing(configuration: Configuration, engine: str, found: set[str]) -> int:
    missing = [
        (public_id, settings.endpoint)
        for public_id, settings in configuration.deployments.items()
        if settings.engine == engine and settings.endpoint not in found
    ]
    for public_id, endpoint in missing:
        say_error(f"deployments.{public_id}.endpoint: the engine {engine} has no endpoint named {endpoint}.")
    return len(missing)
