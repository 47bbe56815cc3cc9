"""API v2: each deployment has a payload data set.

Source: `watson_open_scale_v2.py` and `data_sets.py` of IBM's SDK `ibm_watson_openscale` 3.1.11.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from urllib.parse import quote, urlencode

from adapters.base import Batch, Held, Receipt, RecordFilter, Settlement
from adapters.sinks.openscale.answers import request_id, row_ids, settlement
from adapters.sinks.openscale.elements import encode_record
from adapters.sinks.openscale.firewall import check_not_blocked
from adapters.sinks.openscale.link import Link
from adapters.sinks.openscale.records import bodies, new_rows, record_id
from adapters.sinks.openscale.settings import OpenScaleSettings
from schemas.payload import PayloadRecord

# More are silently cut (`Records.list` in `watson_open_scale_v2.py` of IBM's SDK).
_PAGE_ROWS = 1000


class DataSets:
    """A `Sink`: the payload data sets of one OpenScale instance."""

    def __init__(self, link: Link, settings: OpenScaleSettings) -> None:
        self._link = link
        self._base = f"{settings.url.rstrip('/')}/v2/data_sets"
        self._data_sets = settings.data_sets
        self._max_bytes = int(settings.batch.kb * 1000)
        self._filter = settings.owed

    @property
    def filter(self) -> RecordFilter:
        """Scored calls of applications, of the deployments that have a data set."""
        return self._filter

    def partition(self, record: PayloadRecord) -> str:
        """Return the id of the record's data set."""
        return self._data_sets[record.deployment_id]

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        """Post the records, in several requests where one would be larger than `batch.kb`: see `Sink.send`."""
        url = f"{self._base}/{quote(batch.partition, safe='')}/records"
        target = f"data_sets.{batch.deployment_id}"
        requests = []
        waiting = bodies([item.record for item in batch.records], self._max_bytes, encode_record)
        # In a thread: cutting a record of 20 MB takes a quarter of a second.
        while body := await asyncio.to_thread(next, waiting, None):
            response = await self._link.post(url, body.content, deadline=deadline)
            await check_not_blocked(
                self._link, response, f"{url}?limit=1&includes=scoring_id", deadline=deadline, target=target
            )
            requests.append(request_id(response, target))
        return Receipt({"data_set": batch.partition, "requests": tuple(requests)})

    async def settle(self, receipt: Receipt, *, deadline: float) -> Settlement:
        """Ask for the state of the receipt's requests; the first that is not stored decides: see `Sink.settle`."""
        data_set = quote(receipt.reference["data_set"], safe="")
        for request in receipt.reference["requests"]:
            url = f"{self._base}/{data_set}/requests/{quote(request, safe='')}"
            outcome = settlement(await self._link.get(url, deadline=deadline))
            if outcome.state != "stored":
                return outcome
        return Settlement(state="stored")

    async def held(self, deployment_id: str, *, start: datetime, end: datetime, deadline: float) -> AsyncIterator[Held]:
        """Read the ids of the data set's rows, in pages: see `AuditableSink.held`."""
        data_set = self._data_sets.get(deployment_id)
        if data_set is None:
            return
        url = f"{self._base}/{quote(data_set, safe='')}/records"
        limits = {"start": _moment(start), "end": _moment(end), "includes": "scoring_id", "format": "list"}
        seen: set[str] = set()
        offset, page = 0, [""]
        while page:
            query = urlencode({**limits, "limit": _PAGE_ROWS, "offset": offset})
            response = await self._link.get(f"{url}?{query}", deadline=deadline)
            page = row_ids(response, f"data_sets.{deployment_id}")
            for row_id, times in new_rows(page, seen).items():
                yield Held(record_id(row_id), times)
            offset += len(page)


def _moment(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"
