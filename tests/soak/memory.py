"""Whether the memory of a gateway stays flat: a line through many samples, not two of them."""

import asyncio
import resource
import statistics
import time
from pathlib import Path

from tests.gateway_process import GatewayProcess

SAMPLE_SECONDS = 0.5


class Memory:
    """Samples of one gateway's memory, with all its workers.

    Attributes:
        samples: seconds since the first one, and bytes.
    """

    def __init__(self, gateway: GatewayProcess) -> None:
        self.samples: list[tuple[float, int]] = []
        self._gateway = gateway

    async def watch(self) -> None:
        """Take samples until cancelled."""
        started = time.monotonic()
        while True:
            self.samples.append((time.monotonic() - started, resident_bytes(self._gateway)))
            await asyncio.sleep(SAMPLE_SECONDS)

    def growth(self) -> float:
        """Return the bytes by which a line through the last half of the samples rises from its begin to its end."""
        last = self.samples[len(self.samples) // 2 :]
        seconds, sizes = zip(*last, strict=True)
        return statistics.linear_regression(seconds, sizes).slope * (seconds[-1] - seconds[0])

    def figures(self) -> str:
        """Return what a person should read: size at the beginning, in the middle and at the end, and the growth."""
        middle = len(self.samples) // 2
        sizes = " -> ".join(f"{self.samples[at][1] / 1e6:.1f}" for at in (0, middle, -1))
        seconds = self.samples[-1][0] - self.samples[middle][0]
        return f"memory {sizes} MB; the line through the last {seconds:.0f} s rises by {self.growth() / 1e6:.2f} MB"


def resident_bytes(gateway: GatewayProcess) -> int:
    """Return the memory of a gateway with all its workers."""
    total = 0
    for pid in (gateway.pid, *gateway.workers()):
        total += int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    return total
