"""A PostgreSQL server of the tests' own: an empty cluster in a temporary folder, on loopback, gone after the session.

`postgres_server` is a fixture: import it into the `conftest.py` of the folder that uses it. It needs the server's
programs (Debian: the package postgresql); they refuse to run as root, so root starts them as another user.
"""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import asyncpg
import pytest

USER = "gateway"
PASSWORD = "password-of-the-database"
_START_SECONDS = 60


class PostgresServer:
    """A running server.

    Attributes:
        port: on 127.0.0.1.
    """

    def __init__(self, port: int, restart: Callable[[], None]) -> None:
        self.port = port
        self._restart = restart

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        home = Path(tempfile.mkdtemp(prefix="postgres-of-the-tests-"))
        try:
            identity = _identity()
            if identity:
                os.chown(home, identity["user"], identity["group"])
            data, password_file = home / "data", home / "password"
            password_file.write_text(PASSWORD)
            password_file.chmod(0o644)  # the folder lets nobody else in
            _run(
                identity, "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", f"--pwfile={password_file}", "-E",
                "UTF8", "--locale=C", "--no-sync",
            )  # fmt: skip
            port = _free_port()
            options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off"
            control = partial(_run, identity, "pg_ctl", "-w", "-D", data, "-l", home / "log", "-o", options)
            control("start")
            try:
                yield cls(port, partial(control, "restart", "-m", "fast"))
            finally:
                _run(identity, "pg_ctl", "stop", "-m", "immediate", "-D", data)
        finally:
            shutil.rmtree(home)

    def dsn(self, database: str, *, user: str = USER, password: str = PASSWORD, port: int | None = None) -> str:
        """Return the DSN of a database, at another port where something stands in between."""
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.port}/{database}?sslmode=disable"

    async def create_database(self) -> str:
        """Create an empty database and return its name."""
        name = f"db_{uuid4().hex}"
        await self.execute("postgres", f'CREATE DATABASE "{name}"')
        return name

    async def restart(self) -> None:
        """Stop, which ends all connections, and start again."""
        await asyncio.to_thread(self._restart)

    async def execute(self, database: str, sql: str) -> None:
        connection = await asyncpg.connect(self.dsn(database))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def fetch(self, database: str, sql: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.dsn(database))
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with PostgresServer.started() as server:
        yield server


def _identity() -> dict[str, Any]:
    """Return who the server runs as: nothing to change, unless we are root."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _run(identity: dict[str, Any], program: str, *arguments: str | Path) -> None:
    # Output goes to a file: the server keeps what it inherits open, and a pipe would never end.
    with tempfile.TemporaryFile() as output:
        ended = subprocess.run(
            [_program(program), *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            timeout=_START_SECONDS, check=False, cwd="/", **identity,
        )  # fmt: skip
        output.seek(0)
        assert ended.returncode == 0, f"{program} failed: {output.read().decode()}"


def _program(name: str) -> Path:
    """Find a program of the newest version; Debian keeps them out of the PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    found = shutil.which(name, path=os.pathsep.join([*map(str, reversed(folders)), os.environ.get("PATH", "")]))
    assert found is not None, f"{name} is missing: install the package postgresql"
    return Path(found)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
