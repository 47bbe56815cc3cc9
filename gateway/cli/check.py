"""`check`: every mistake of a configuration at once; with `--online`, its engines are asked, too."""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from msgspec.structs import replace

from gateway.cli.console import counted, printable, say, say_error
from gateway.config import Configuration, load
from gateway.config.configuration import EngineConfiguration
from gateway.connecting import configured_endpoints, connected_engine, connected_sink
from gateway.directory import Directory
from gateway.directory_store import DirectoryStore
from gateway.logs import errors_only
from gateway.registry import Registry
from gateway.transport import HttpTransport
from schemas.errors import ConfigurationError, GatewayError, UnknownDeploymentError

ONLINE_SECONDS = 120.0


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("check", help="show every mistake of a configuration at once")
    parser.add_argument("--config", required=True, metavar="FILE")
    parser.add_argument("--online", action="store_true", help="ask the engines for their endpoints, too")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    configuration = load(arguments.config, Registry.load())
    with errors_only():
        asyncio.run(_try_plugins(configuration))
    parts = (
        counted(len(configuration.engines), "engine"),
        counted(len(configuration.deployments), "deployment"),
        counted(len(configuration.sinks), "sink"),
    )
    say(f"{arguments.config}: no mistakes; {', '.join(parts)}.")
    if not arguments.online:
        return 0
    with errors_only():
        return asyncio.run(_ask_engines(configuration))


async def _try_plugins(configuration: Configuration) -> None:
    """Connect each engine and sink once, as `serve` does: that needs no network.

    Raises:
        ConfigurationError: with all that a plugin gets wrong.
    """
    problems: list[str] = []
    async with HttpTransport() as transport:
        for engine in configuration.engines.values():
            with _kept(problems):
                async with connected_engine(engine, transport) as connected:
                    configured_endpoints(engine, connected)
        for sink in configuration.sinks.values():
            with _kept(problems):
                async with connected_sink(sink, transport):
                    pass
    if problems:
        raise ConfigurationError(problems)


@contextmanager
def _kept(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        problems += error.problems


async def _ask_engines(configuration: Configuration) -> int:
    """Ask one engine after another; return 0 where all answer and have what the configuration names."""
    failures = 0
    for name, engine in configuration.engines.items():
        try:
            async with asyncio.timeout(ONLINE_SECONDS):
                failures += await _ask(name, engine, configuration)
        except TimeoutError:
            failures += 1
            say_error(f"engines.{name}: no answer within {ONLINE_SECONDS:g} s.")
        except GatewayError as error:
            failures += 1
            say_error(f"engines.{name}: {error.message}")
    return 1 if failures else 0


async def _ask(name: str, engine: EngineConfiguration, configuration: Configuration) -> int:
    """Discover one engine as `serve` does; return how many of its deployments have no endpoint."""
    wanted = {key: item for key, item in configuration.deployments.items() if item.engine == name}
    alone = replace(configuration, engines={name: engine}, deployments=wanted)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="openscale-gateway-check-"))
        transport = await stack.enter_async_context(HttpTransport())
        connected = await stack.enter_async_context(connected_engine(engine, transport))
        directory = Directory(alone, {name: connected}, DirectoryStore(Path(folder) / "directory.json"), time.time)
        if engine.settings.discover:
            await directory.refresh(name)
    found = sorted(deployment.endpoint.name for deployment in directory.deployments(name))
    say(f"engines.{name}: {counted(len(found), 'endpoint')}: {printable(', '.join(found)) or '-'}")
    return sum(_is_missing(directory, public_id) for public_id in wanted)


def _is_missing(directory: Directory, public_id: str) -> bool:
    try:
        directory.find(public_id)
    except UnknownDeploymentError as error:
        say_error(f"deployments.{public_id}.endpoint: {error.message}")
        return True
    return False
