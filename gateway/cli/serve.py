"""`serve`: the gateway itself."""

import argparse
import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NoReturn

import structlog
import uvloop

from gateway import app, logs
from gateway.config import Configuration, load
from gateway.payloadlog.damage import DamageWatch
from gateway.registry import Registry
from gateway.supervisor import READY, Supervisor
from schemas.errors import ConfigurationError

# Threads write the spool and translate large bodies. Shorter than Python's 5 ms, so that the loop waits less for them;
# not shorter still, because each switch costs the busy loop throughput.
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
    parser.add_argument("--ready", type=int, help=argparse.SUPPRESS)
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
        listener = socket.socket(fileno=arguments.listener)
        _run_and_leave(_serve_as_worker(configuration, registry, listener, arguments.ready))
    app.prepare(configuration)
    listener = _listen(configuration)
    if configuration.server.workers == 1:
        _run_and_leave(_serve_alone(configuration, registry, listener))
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


async def _serve_as_worker(
    configuration: Configuration, registry: Registry, listener: socket.socket, ready: int
) -> None:
    stop = asyncio.Event()
    _on_stop_signals(stop.set)
    _on_end_of_parent(stop.set)
    # Of damage the supervisor takes care: all workers have to leave the spool.
    await _serve(configuration, registry, listener, stop, until_damaged=False, up=partial(os.write, ready, READY))


async def _serve_alone(configuration: Configuration, registry: Registry, listener: socket.socket) -> None:
    """Serve until told to stop; where the spool is found damaged, leave it, recover it, and serve again."""
    stop = asyncio.Event()

    def stop_accepting() -> None:
        listener.close()
        stop.set()

    _on_stop_signals(stop_accepting)
    up = partial(log.info, "listening", url=_url(configuration, listener))
    while not stop.is_set():
        # A copy: connections wait at the listener itself while nobody serves.
        await _serve(configuration, registry, listener.dup(), stop, until_damaged=True, up=up)
        if not stop.is_set():
            await asyncio.to_thread(app.prepare, configuration)
            up = partial(log.info, "serving again")


async def _serve(
    configuration: Configuration,
    registry: Registry,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    until_damaged: bool,
    up: Callable[[], object],
) -> None:
    """Serve until told to stop, or until the spool is found damaged where that is to end it, too."""
    damage = DamageWatch(configuration.payload_log.path)
    damaged, stopped = asyncio.create_task(damage.met()), asyncio.create_task(stop.wait())
    try:
        async with app.running(configuration, registry, listener, damage) as background:
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            gc.set_threshold(*COLLECT_AFTER)
            up()
            ends = {stopped, background} | ({damaged} if until_damaged else set())
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if background.done():
                # Without it nothing is discovered or delivered: better a restart than half a gateway.
                background.result()
            if stop.is_set():
                log.info("stopping")
            else:
                log.error("spool damaged", then="calls are finished, what can be read is kept, and serving goes on")
    finally:
        stopped.cancel()
        damaged.cancel()


async def _supervise(configuration: Configuration, listener: socket.socket) -> None:
    supervisor = Supervisor(configuration, listener, partial(app.prepare, configuration))
    _on_stop_signals(supervisor.stop)
    log.info("listening", url=_url(configuration, listener))
    await supervisor.run()


def _listen(configuration: Configuration) -> socket.socket:
    host, port = configuration.server.host, configuration.server.port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError([f"server.port: can't listen on {host}:{port}: {error.strerror}."]) from error


def _url(configuration: Configuration, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    scheme = "http" if configuration.server.tls is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


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
