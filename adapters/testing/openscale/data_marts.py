"""API v1: data marts that take scoring payloads now and store them later.

Sources: `payload_logging.py` and `href_definitions.py` of IBM's SDK `ibm_ai_openscale` 2.2.1, and `waits.py` of its
tests, which waits for the total count of rows and looks at the table `PayloadError_<subscription>` when it waits in
vain. That a record at fault is set aside alone, and that rows are listed newest first, are assumptions.
"""

from collections.abc import Collection

from aiohttp import web

from adapters.testing.ibm_tokens import IbmTokenServices
from adapters.testing.openscale.errors import check_token, problem
from adapters.testing.openscale.rows import ScoringPayload, parse_payloads, transactions
from adapters.testing.openscale.storage import Storage, Taken


class DataMarts:
    """Takes scoring payloads, and lists the transactions that came of them.

    Routes: `store_v1`, `transactions`. There is no route for the state of what was taken: API v1 has none.

    Args:
        tokens: who may come in.
        storage: rows by subscription.
        data_mart: the id that exists; None: any.
        subscriptions: ids that exist; None: any.

    Attributes:
        payload_errors: by subscription, the scoring ids that were taken and not stored.
        oldest_first: list the rows in the order of their arrival.
        taken_status: 202, or 204 without a body.
    """

    def __init__(
        self,
        tokens: IbmTokenServices,
        storage: Storage,
        *,
        data_mart: str | None,
        subscriptions: Collection[str] | None,
    ) -> None:
        self._tokens, self._storage = tokens, storage
        self._data_mart, self._subscriptions = data_mart, subscriptions
        self._under_way: list[Taken] = []
        self.payload_errors: dict[str, list[str]] = {}
        self.oldest_first = False
        self.taken_status = 202
        path = "/v1/data_marts/{data_mart}"
        self.routes = [
            web.post(f"{path}/scoring_payloads", self._store, name="store_v1"),
            web.get(f"{path}/scoring_transactions", self._list, name="transactions"),
        ]

    def forget(self) -> None:
        """Lose what was taken and not stored."""
        self._under_way.clear()

    def _admit(self, request: web.Request, *subscriptions: str) -> None:
        check_token(request, self._tokens)
        if self._data_mart not in (None, request.match_info["data_mart"]):
            raise problem(web.HTTPNotFound, "not_found", "There is no such data mart.")
        known = self._subscriptions
        if known is not None and any(subscription not in known for subscription in subscriptions):
            raise problem(web.HTTPNotFound, "not_found", "There is no such subscription.")

    async def _store(self, request: web.Request) -> web.Response:
        self._admit(request)
        if request.content_type != "application/json":
            raise problem(web.HTTPUnsupportedMediaType, "unsupported_media_type", "Payloads are sent as JSON.")
        try:
            payloads = parse_payloads(await request.read())
        except ValueError as error:
            raise problem(web.HTTPBadRequest, "invalid_payloads", str(error)) from None
        self._admit(request, *(payload.subscription_id for payload in payloads))
        if self._storage.refuses(payloads):
            raise problem(web.HTTPBadRequest, "invalid_payloads", "A payload can't be stored.")
        for payload in payloads:
            self._take(payload)
        return web.Response(status=204) if self.taken_status == 204 else web.json_response({}, status=202)  # noqa: PLR2004

    def _take(self, payload: ScoringPayload) -> None:
        taken = self._storage.take(payload.subscription_id, [payload])
        if taken.end == "error":
            self.payload_errors.setdefault(payload.subscription_id, []).append(payload.scoring_id)
        if not taken.settled:
            self._under_way.append(taken)

    async def _list(self, request: web.Request) -> web.Response:
        subscription = request.query.get("subscription_id", "")
        self._admit(request, subscription)
        for taken in [taken for taken in self._under_way if taken.table == subscription]:
            self._storage.poll(taken)
        self._under_way = [taken for taken in self._under_way if not taken.settled]
        rows = list(self._storage.rows.get(subscription, {}).values())
        try:
            return web.json_response(transactions(rows if self.oldest_first else rows[::-1], request.query))
        except ValueError as error:
            raise problem(web.HTTPBadRequest, "invalid_parameter", str(error)) from None
