"""A process that appends until it is killed: prints the id of each record when it is acknowledged."""

import asyncio
import sys

from gateway.payloadlog.writer import SpoolWriter
from tests.fakes.payload_records import entry


async def append_forever(path: str, name: str, n_callers: int) -> None:
    async with SpoolWriter(path, max_bytes=10**10) as writer:

        async def call(caller: int) -> None:
            for n in range(10**9):
                scoring_id = f"{name}-{caller}-{n}"
                await writer.append(entry(f"d{caller % 3}", scoring_id=scoring_id, filler=caller * 200))
                sys.stdout.write(f"{scoring_id}\n")
                sys.stdout.flush()

        await asyncio.gather(*(call(caller) for caller in range(n_callers)))


if __name__ == "__main__":
    asyncio.run(append_forever(sys.argv[1], sys.argv[2], int(sys.argv[3])))
