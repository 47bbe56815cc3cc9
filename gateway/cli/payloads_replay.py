"""`payloads replay`: records of a time once more to one sink."""

import argparse
import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from gateway.cli.arguments import moment
from gateway.cli.console import counted, say, say_error
from gateway.cli.payloads_sinks import connected_sinks
from gateway.cli.progress import Progress
from gateway.config import load
from gateway.payloadlog.replay import Replay
from gateway.registry import Registry
from schemas.errors import SinkUnavailableError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument("--sink", required=True, metavar="NAME")
    parser.add_argument("--start", required=True, type=moment, metavar="TIME", help="calls that started then or later")
    parser.add_argument("--end", required=True, type=moment, metavar="TIME", help="calls that started before")
    parser.add_argument("--deployment", metavar="ID", help="only this deployment's")


def run(arguments: argparse.Namespace) -> int:
    """Send; 1 where the sink refused some, or went away."""
    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    configuration = load(arguments.config, Registry.load())
    async with AsyncExitStack() as stack:
        connected = await connected_sinks(stack, configuration, arguments.sink)
        progress = stack.enter_context(Progress("records"))
        replay = Replay(Path(configuration.payload_log.path), connected[arguments.sink], progress=progress.advance)
        problem = None
        try:
            await replay.run(start_us=arguments.start, end_us=arguments.end, deployment_id=arguments.deployment)
        except SinkUnavailableError as error:
            problem = error.message
    say(f"{counted(replay.done.sent, 'record')} sent to {arguments.sink} once more.")
    for letter in replay.done.refused:
        say_error(f"{letter.scoring_id}: {letter.reason}")
    if problem is not None:
        say_error(f"The rest was not sent: {problem}")
    return 1 if problem is not None or replay.done.refused else 0
