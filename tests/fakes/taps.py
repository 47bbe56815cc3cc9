"""A tap over a real spool, with an observer that remembers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import json

from gateway.payloadlog.call_record import TappedCall
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.spool import Spool
from gateway.payloadlog.tap import Tap
from gateway.payloadlog.writer import SpoolWriter
from schemas.configuration import DeploymentSettings, PayloadLogSettings
from schemas.deployment import Deployment, Endpoint
from schemas.scoring import ScoringRequest, ScoringResponse
from tests.fakes.gateways import tapped_call

REQUEST = ScoringRequest([["Ann", 41], ["Bob", 17]], ["Name", "Age"])
RESPONSE = ScoringResponse(["prediction"], [["Risk"], ["No Risk"]])
RESPONSE_TEXT = json.encode(RESPONSE)


class Counted:
    """Remembers what the tap reports."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, ...]] = []

    def recorded(self, deployment_id: str, outcome: str) -> None:
        self.reports.append(("recorded", deployment_id, outcome))

    def not_recorded(self, deployment_id: str, reason: str) -> None:
        self.reports.append(("not recorded", deployment_id, reason))

    def lost(self, deployment_id: str) -> None:
        self.reports.append(("lost", deployment_id))


class Bench:
    """Opens records of one deployment, `credit`, and reads them back."""

    def __init__(self, tap: Tap, counted: Counted, spool: Path, writer: SpoolWriter) -> None:
        self.tap = tap
        self.counted = counted
        self.spool = spool
        self.writer = writer

    def open(self, call: TappedCall | None = None, request: ScoringRequest = REQUEST, **settings: Any) -> Any:
        deployment = Deployment(
            id="credit", engine="aws", endpoint=Endpoint(name="model"), settings=DeploymentSettings(**settings)
        )
        return self.tap.open(deployment, call or tapped_call(), request)

    def records(self) -> list[dict[str, Any]]:
        return [json.decode(stored.line) for stored in SpoolReader(self.spool).records()]


@asynccontextmanager
async def bench(tmp_path: Path, max_bytes: int = 1_000_000_000, **settings: Any) -> AsyncIterator[Bench]:
    """A tap with these settings of the payload log."""
    path = Spool.open(tmp_path / "payloads.db", max_bytes=1_000_000_000).path
    counted = Counted()
    async with SpoolWriter(path, max_bytes=max_bytes) as writer:
        yield Bench(Tap(PayloadLogSettings(**settings), writer, counted), counted, path, writer)
