"""A faulty link to PostgreSQL: a TCP proxy that knows two words of the protocol."""

import asyncio
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Literal, Self

LinkFault = Literal["lose", "reset", "truncate", "stall"]

_INSERT = b"INSERT INTO"
_COMMIT = b"COMMIT"


class PostgresLink:
    """Forwards connections to a port of this machine, from `async with` to its end.

    Attributes:
        port: to connect to.
    """

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._faults: list[LinkFault] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._inserted = asyncio.Event()
        self.port = 0

    def play(self, fault: LinkFault) -> None:
        """Let the next insert meet a fault.

        `lose`: its transaction is committed, and the answer to that is not passed on; `reset`: it never gets through;
        `truncate`: half of its answer does; `stall`: it is held back for good.
        """
        self._faults.append(fault)

    async def inserted(self) -> None:
        """Wait until an insert has come by."""
        await self._inserted.wait()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        async with AsyncExitStack() as stack:
            stack.callback(self._tasks.discard, task)
            stack.push_async_callback(_abort, to_client)
            with suppress(OSError, asyncio.CancelledError):
                server, to_server = await asyncio.open_connection("127.0.0.1", self._to_port)
                stack.push_async_callback(_abort, to_server)
                await self._serve(client, to_client, server, to_server)

    async def _serve(
        self,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        back = asyncio.create_task(_forward(server, to_client))
        try:
            while data := await client.read(65536):
                if await self._meets_fault(data, to_server, server, to_client, back):
                    return
                to_server.write(data)
                await to_server.drain()
        finally:
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)

    async def _meets_fault(
        self,
        data: bytes,
        to_server: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        back: asyncio.Task[None],
    ) -> bool:
        """Play the fault that is due; return whether the connection ends with it."""
        if _INSERT in data:
            self._inserted.set()
        due = _COMMIT if self._faults[:1] == ["lose"] else _INSERT
        if not self._faults or due not in data:
            return False
        fault = self._faults.pop(0)
        if fault == "stall":
            await asyncio.Event().wait()
        if fault in ("lose", "truncate"):
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)
            to_server.write(data)
            answer = await server.read(65536)
            if fault == "truncate":
                to_client.write(answer[: len(answer) // 2])
                await to_client.drain()
        return True


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


async def _abort(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()
