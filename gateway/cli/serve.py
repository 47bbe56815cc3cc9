"""`serve`: the gateway itself."""

import argparse
import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import structlog
import uvloop

from gateway import app, logs
from gateway.config import Configuration, load
from gateway.registry import Registry
from gateway.supervisor import Supervisor
from schemas.errors import ConfigurationError

# Threads translate large bodies and write the spool. Shorter than Python's 5 ms, so that small calls beside a large
# body wait less; not shorter still, because each switch costs the busy loop throughput.
SWITCH_SECONDS = 0.002
BACKLOG = 1024
# A collection of the oldest generation walks every object there is, while nobody is served. What exists at the start
# stays anyway, and the objects of a call hold no cycles: they go without a collection.
COLLECT_AFTER = (20_000, 20, 100)

log = structlog.get_logger(__name__)


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("serve", help="run the gateway")
    parser.add_argument("--config", required=True, metavar="FILE")
    parser.add_argument("--listener", type=int, help=argparse.SUPPRESS)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    registry = Registry.load()
    configuration = load(arguments.config, registry)
    logs.configure(configuration.server.log_level)
    for row in registry.listing():
        if row.reason is not None:
            log.warning("plugin not usable", group=row.group, kind=row.kind, origin=row.origin, problem=row.reason)
    sys.setswitchinterval(SWITCH_SECONDS)
    if arguments.listener is not None:
        _run_and_leave(_serve(configuration, registry, socket.socket(fileno=arguments.listener), announce=False))
    app.prepare(configuration)
    listener = _listen(configuration)
    if configuration.server.workers == 1:
        _run_and_leave(_serve(configuration, registry, listener, announce=True))
    asyncio.run(_supervise(configuration, listener))
    log.info("stopped")
    return 0


def _run_and_leave(serving: Coroutine[Any, Any, None]) -> NoReturn:
    """Serve to the end, then end the process at once.

    A usual exit waits for every thread: for minutes, where an SDK is waiting for a cloud that doesn't answer.
    """
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    try:
        runner.run(serving)
    except BaseException:
        runner.close()
        raise
    log.info("stopped")
    os._exit(0)


async def _serve(configuration: Configuration, registry: Registry, listener: socket.socket, *, announce: bool) -> None:
    stop = asyncio.Event()
    _on_stop_signals(stop.set)
    if not announce:
        _on_end_of_parent(stop.set)
    async with app.running(configuration, registry, listener) as background:
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        if announce:
            _announce(configuration, listener)
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait((stopped, background), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if background.done():
            # Without it nothing is discovered or delivered: better a restart than half a gateway.
            background.result()
        log.info("stopping")


async def _supervise(configuration: Configuration, listener: socket.socket) -> None:
    supervisor = Supervisor(configuration, listener)
    _on_stop_signals(supervisor.stop)
    _announce(configuration, listener)
    await supervisor.run()


def _listen(configuration: Configuration) -> socket.socket:
    host, port = configuration.server.host, configuration.server.port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError([f"server.port: can't listen on {host}:{port}: {error.strerror}."]) from error


def _announce(configuration: Configuration, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    scheme = "http" if configuration.server.tls is None else "https"
    log.info("listening", url=f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}")


def _on_stop_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def _on_end_of_parent(stop: Callable[[], None]) -> None:
    """Stop when the supervisor is gone: it holds the other end of stdin."""
    loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()

    def ended() -> None:
        loop.remove_reader(stdin)
        log.error("supervisor is gone")
        stop()

    loop.add_reader(stdin, ended)
