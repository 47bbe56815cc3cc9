"""Mixed traffic on a gateway that comes and goes, and scrapes that check its books."""

import asyncio
from collections import defaultdict
from contextlib import suppress

import aiohttp

from tests.gateway_process import GatewayProcess
from tests.process.calling import calling, score
from tests.process.clouds import APPLICATION, AWS, MONITOR, OPERATOR

# Some dozens of scrapes fall into the short run, and cost the gateway next to nothing.
SCRAPE_SECONDS = 0.2
AWAY_SECONDS = 0.05
SINK_METRIC = "openscale_gateway_sink_"


class Traffic:
    """Applications and a monitor that call until they are told to stop, whatever happens to the gateway.

    Args:
        applications: how many call at once.
        monitors: how many call at once.
        pause_seconds: how long each waits between two calls.

    Attributes:
        gateway: the one of the moment; None while there is none.
        answered: scoring ids of the applications' calls that were answered.
        monitored: scoring ids of the monitor's.
        scrapes: how many there were; the books balanced in each.
    """

    def __init__(self, *, applications: int, monitors: int, pause_seconds: float) -> None:
        self.gateway: GatewayProcess | None = None
        self.answered: list[str] = []
        self.monitored: list[str] = []
        self.scrapes = 0
        self._pause_seconds = pause_seconds
        self._callers = [(APPLICATION, self.answered)] * applications + [(MONITOR, self.monitored)] * monitors
        self._over = False

    async def run(self) -> None:
        """Call and scrape until `stop`."""
        await asyncio.gather(self._scraper(), *(self._caller(user, ids) for user, ids in self._callers))

    def stop(self) -> None:
        """Let every caller end after its call."""
        self._over = True

    async def has_answers(self, n: int) -> None:
        """Wait for so many more answers to applications."""
        until = len(self.answered) + n
        while len(self.answered) < until:
            await asyncio.sleep(AWAY_SECONDS)

    async def _caller(self, user: str, ids: list[str]) -> None:
        while not self._over:
            gateway = self.gateway
            if gateway is None:
                await asyncio.sleep(AWAY_SECONDS)
                continue
            with suppress(aiohttp.ClientConnectionError):
                async with calling(gateway, user) as session:
                    while gateway is self.gateway and not self._over:
                        answer = await score(session, AWS)
                        assert answer.status == 200
                        ids.append(answer.scoring_id)
                        await asyncio.sleep(self._pause_seconds)

    async def _scraper(self) -> None:
        while not self._over:
            gateway = self.gateway
            if gateway is not None:
                # A connection of its own for each: the kernel gives it to one worker or the other.
                with suppress(aiohttp.ClientConnectionError):
                    async with calling(gateway, OPERATOR) as session, session.get("/metrics") as response:
                        assert response.status == 200
                        check_books(await response.text())
                        self.scrapes += 1
            await asyncio.sleep(SCRAPE_SECONDS)


def check_books(exposition: str) -> None:
    """Assert for every sink that accepted = delivered + pending + dead + dropped."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for line in exposition.splitlines():
        if line.startswith(SINK_METRIC):
            sample, _, value = line.rpartition(" ")
            name, _, labels = sample.removeprefix(SINK_METRIC).partition("{")
            sums[labels.partition('sink="')[2].partition('"')[0]][name.partition("_")[0]] += float(value)
    assert sums
    for sink, books in sums.items():
        parts = [books[part] for part in ("delivered", "pending", "dead", "dropped")]
        assert books["accepted"] == sum(parts), (sink, dict(books))
