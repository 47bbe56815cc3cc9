"""Payload records for Lantern's feedback store.

Source: Lantern handbook, "Feedback": POST /feedback, a record as JSON on each line; one whose id is known is not stored
again.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from adapters.base import (
    Batch,
    Receipt,
    RecordFilter,
    Response,
    Settlement,
    Sink,
    SinkPlugin,
    Transport,
    TransportError,
    record_filter,
)
from adapters.base.retry_after import retry_after
from schemas.configuration import Doc, HttpUrl, Secret, SelectingSinkSettings
from schemas.errors import SinkRefusedError, SinkUnavailableError
from schemas.payload import PayloadRecord

MAX_ANSWER_BYTES = 2**20
REFUSED = frozenset({400, 413, 422})
"""What Lantern says of records that it will never take; anything else may pass."""


class LanternSinkSettings(SelectingSinkSettings, frozen=True, kw_only=True):
    """The feedback store of one Lantern server."""

    url: Annotated[HttpUrl, Doc("Base of the server: what stands before `/feedback`.")]
    token: Annotated[Secret | None, Doc("Bearer token; null: the server takes anybody's records.")] = None


class LanternFeedback:
    """A feedback store: see `adapters.base.Sink`."""

    def __init__(self, settings: LanternSinkSettings, transport: Transport) -> None:
        self._url = f"{settings.url.rstrip('/')}/feedback"
        self._headers = {"Content-Type": "application/jsonlines"}
        if settings.token is not None:
            self._headers["Authorization"] = f"Bearer {settings.token}"
        self._filter = record_filter(settings)
        self._transport = transport

    @property
    def filter(self) -> RecordFilter:
        """What the settings ask for."""
        return self._filter

    def partition(self, record: PayloadRecord) -> str:
        """Return the same for all: any records may share a request."""
        return ""

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        """Post the records: see `adapters.base.Sink`."""
        body = b"\n".join(item.line for item in batch.records)
        try:
            response = await self._transport.request(
                "POST", self._url, headers=self._headers, body=body, deadline=deadline, max_bytes=MAX_ANSWER_BYTES
            )
        except TransportError as error:
            raise SinkUnavailableError(f"Lantern gave no answer: {error}") from error
        _check(response)
        return Receipt()

    async def settle(self, receipt: Receipt, *, deadline: float) -> Settlement:
        """Say that it is stored: Lantern has said so already."""
        return Settlement(state="stored")


def _check(response: Response) -> None:
    if 200 <= response.status < 300:  # noqa: PLR2004 - HTTP
        return
    if response.status in REFUSED:
        raise SinkRefusedError(f"Lantern refuses the records (status {response.status}).")
    raise SinkUnavailableError(
        f"Lantern takes no records now (status {response.status}): check `url` and `token` if this goes on.",
        retry_after=retry_after(response, time.time()),
    )


@asynccontextmanager
async def connect(settings: LanternSinkSettings, transport: Transport) -> AsyncIterator[Sink]:
    """Open the sink: see `adapters.base.SinkPlugin`."""
    yield LanternFeedback(settings, transport)


plugin = SinkPlugin(kind="lantern", settings=LanternSinkSettings, connect=connect)
