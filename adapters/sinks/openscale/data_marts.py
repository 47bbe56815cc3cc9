"""API v1: each deployment has a subscription in a data mart.

A POST of scoring payloads is answered before anything is stored, and nothing can be asked about it: what could not be
stored shows in a table of the data mart's database alone. So the rows themselves are looked for: at both ends of the
payload table while they may still be on their way, and in all of it before they are given up.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from urllib.parse import quote

from adapters.base import Batch, Held, Receipt, RecordFilter, Settlement
from adapters.sinks.openscale.answers import check_taken
from adapters.sinks.openscale.elements import scoring_payload_encoder
from adapters.sinks.openscale.firewall import check_not_blocked
from adapters.sinks.openscale.link import Link
from adapters.sinks.openscale.records import Part, bodies
from adapters.sinks.openscale.settings import CLUSTER_DATA_MART, OpenScaleSettings, Subscription
from adapters.sinks.openscale.table_copy import TableCopy
from adapters.sinks.openscale.transactions import Transactions
from schemas.payload import PayloadRecord

# As IBM's SDK asks (`payload_logging.py` of `ibm_ai_openscale` 2.2.1): nobody reads the body of the answer.
_PREFER = "return=minimal"
# The SDK takes a conflict for a warning: whether the rows are there is then seen by looking.
_CONFLICT = 409
_TAKEN = frozenset({202, 204, _CONFLICT})


class DataMarts:
    """A `Sink`: the payload tables of one data mart."""

    def __init__(self, link: Link, settings: OpenScaleSettings) -> None:
        data_mart = quote(settings.data_mart_id or CLUSTER_DATA_MART, safe="")
        self._link = link
        self._base = f"{settings.url.rstrip('/')}/v1/data_marts/{data_mart}"
        self._subscriptions: Mapping[str, Subscription] = settings.subscriptions
        self._confirm = settings.confirm
        self._stored_within = settings.stored_within_seconds
        self._max_bytes = int(settings.batch.kb * 1000)
        self._filter = settings.owed
        self._copies: dict[str, TableCopy] = {}

    @property
    def filter(self) -> RecordFilter:
        """Scored calls of applications, of the deployments that have a subscription."""
        return self._filter

    def partition(self, record: PayloadRecord) -> str:
        """Return the id of the record's subscription."""
        return self._subscriptions[record.deployment_id].subscription_id

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        """Post the records, in several requests where one would be larger than `batch.kb`: see `Sink.send`."""
        encode = scoring_payload_encoder(self._subscriptions[batch.deployment_id])
        target, probe = _target(batch.deployment_id), self._transactions(batch.deployment_id).url
        parts: list[Part] = []
        look = self._confirm == "stored"
        waiting = bodies([item.record for item in batch.records], self._max_bytes, encode)
        while body := await asyncio.to_thread(next, waiting, None):
            response = await self._link.post(
                f"{self._base}/scoring_payloads", body.content, deadline=deadline, prefer=_PREFER
            )
            await check_not_blocked(self._link, response, f"{probe}&limit=1", deadline=deadline, target=target)
            check_taken(response, target, statuses=_TAKEN)
            look = look or response.status == _CONFLICT
            parts += body.parts
        until = asyncio.get_running_loop().time() + self._stored_within
        return Receipt({"deployment_id": batch.deployment_id, "parts": tuple(parts), "until": until, "look": look})

    async def settle(self, receipt: Receipt, *, deadline: float) -> Settlement:
        """Look for the rows of the receipt: see `Sink.settle`."""
        if not receipt.reference["look"]:
            return Settlement(state="stored")
        row_ids = [row_id for part in receipt.reference["parts"] for row_id in part.row_ids()]
        transactions = self._transactions(receipt.reference["deployment_id"])
        overdue = asyncio.get_running_loop().time() >= receipt.reference["until"]
        pages = transactions.all(deadline=deadline) if overdue else transactions.ends(len(row_ids), deadline=deadline)
        missing = set(row_ids)
        async for page in pages:
            missing.difference_update(row.row_id for row in page)
            if not missing:
                return Settlement(state="stored")
        if not overdue:
            return Settlement(state="not_yet")
        reason = (
            f"OpenScale took the records, and {len(missing)} of their {len(row_ids)} rows are not in the data mart "
            f"{self._stored_within:g} s later. Its table PayloadError_<subscription> may say why."
        )
        return Settlement(state="failed", reason=reason)

    async def held(self, deployment_id: str, *, start: datetime, end: datetime, deadline: float) -> AsyncIterator[Held]:
        """Pick the rows of that time out of the whole payload table: see `AuditableSink.held`."""
        if deployment_id not in self._subscriptions:
            return
        if deployment_id not in self._copies:
            self._copies[deployment_id] = TableCopy(self._transactions(deployment_id))
        async for held in self._copies[deployment_id].held(start=start, end=end, deadline=deadline):
            yield held

    def _transactions(self, deployment_id: str) -> Transactions:
        subscription_id = self._subscriptions[deployment_id].subscription_id
        return Transactions(self._link, self._base, subscription_id, target=_target(deployment_id))


def _target(deployment_id: str) -> str:
    return f"subscriptions.{deployment_id}"
