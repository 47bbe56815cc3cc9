"""The server: token services, API v1 and API v2 over one storage."""

from collections import Counter
from collections.abc import Collection
from uuid import uuid4

from aiohttp import web

from adapters.testing.emulator import Emulator
from adapters.testing.ibm_tokens import IbmTokenServices
from adapters.testing.openscale.data_marts import DataMarts
from adapters.testing.openscale.errors import check_token, errors, problem
from adapters.testing.openscale.rows import Row, page, parse_records
from adapters.testing.openscale.storage import Storage, Taken

# With the base that IBM's SDK `ibm_watson_openscale` puts in front (its `client.py`), or without.
_DATA_SET = "/{base:(?:openscale/(?:[^/]+/)?)?}v2/data_sets/{data_set}"


class OpenScaleEmulator(Emulator):
    """One OpenScale instance at `url`, IBM Cloud IAM at `iam_url`, Cloud Pak for Data at `cloud_pak_url`.

    Routes for faults: those of `IbmTokenServices`; of API v2 `store`, `status`, `records`; of API v1
    `store_v1`, `transactions`.

    Args:
        apikey: that IAM, and Cloud Pak for Data for `username`, take.
        username: of Cloud Pak for Data, with `password` or `apikey`.
        password: of `username`.
        data_sets: ids that exist; None: any.
        data_mart: id of the data mart of API v1; None: any.
        subscriptions: ids that exist in it; None: any.
        polls: how often records are asked for (v2: the state of their request is `preparing`; v1: transactions are
            listed) before their rows are stored; 0: they are stored at once.
        token_seconds: life of a token.
        port: to listen on; 0 takes a free one.

    Attributes:
        data_marts: API v1.
        poison: scoring ids; a request with one of them is taken, and ends in `error` with nothing stored (v1: that
            record alone is not stored).
        refused: scoring ids; a POST with one of them is answered with 400.
        taken: how often each scoring id was taken, stored or not; a part of a record counts under its own id.
    """

    def __init__(
        self,
        *,
        apikey: str = "openscale-apikey",
        username: str = "openscale-user",
        password: str = "openscale-password",  # noqa: S107 - of an emulator
        data_sets: Collection[str] | None = None,
        data_mart: str | None = None,
        subscriptions: Collection[str] | None = None,
        polls: int = 0,
        token_seconds: float = 3600.0,
        port: int = 0,
    ) -> None:
        self._tokens = IbmTokenServices(apikey=apikey, username=username, password=password, seconds=token_seconds)
        self._storage = Storage(polls)
        self._known = data_sets
        self._requests: dict[tuple[str, str], Taken] = {}
        self.data_marts = DataMarts(self._tokens, self._storage, data_mart=data_mart, subscriptions=subscriptions)
        self.poison: set[str] = self._storage.poison
        self.refused: set[str] = self._storage.refused
        self.taken: Counter[str] = self._storage.taken
        super().__init__(
            [
                *self._tokens.routes,
                *self.data_marts.routes,
                web.post(f"{_DATA_SET}/records", self._store, name="store"),
                web.get(f"{_DATA_SET}/requests/{{request}}", self._status, name="status"),
                web.get(f"{_DATA_SET}/records", self._read, name="records"),
            ],
            port=port,
        )

    @property
    def iam_url(self) -> str:
        """Token URL of IBM Cloud IAM."""
        return f"{self.url}/identity/token"

    @property
    def cloud_pak_url(self) -> str:
        """Token URL of Cloud Pak for Data."""
        return f"{self.url}/icp4d-api/v1/authorize"

    @property
    def failing(self) -> int:
        """How many further requests (v1: records) are taken and end in `error`, whatever they hold."""
        return self._storage.failing

    @failing.setter
    def failing(self, requests: int) -> None:
        self._storage.failing = requests

    def rows(self, table: str) -> list[Row]:
        """Return the stored rows of a data set, or of a subscription, sorted by `scoring_id` as strings."""
        return [row for _, row in sorted(self._storage.rows.get(table, {}).items())]

    def lose_rows(self, table: str, *row_ids: str) -> None:
        """Forget stored rows, as a fault of the far side would."""
        for row_id in row_ids:
            del self._storage.rows[table][row_id]

    def copy_row(self, table: str, row_id: str, new_id: str) -> None:
        """Store a row a second time under another id, as another gateway's."""
        rows = self._storage.rows[table]
        rows[new_id] = rows[row_id] | {"scoring_id": new_id}

    def repeat_row(self, table: str, row_id: str) -> None:
        """Hold a stored row twice under its id, as a table without a key would."""
        rows = self._storage.rows[table]
        rows[f"{row_id} again"] = dict(rows[row_id])

    def revoke_tokens(self) -> None:
        """Answer every token that was issued so far with 401."""
        self._tokens.revoke()

    def forget_requests(self) -> None:
        """Lose what was taken and not stored, as a crash would; the state of any request of API v2 is then 404."""
        self._requests.clear()
        self.data_marts.forget()

    def _admit(self, request: web.Request) -> str:
        """Check the token and return the id of the data set."""
        check_token(request, self._tokens)
        data_set = request.match_info["data_set"]
        if self._known is not None and data_set not in self._known:
            raise problem(web.HTTPNotFound, "not_found", "There is no such data set.")
        return data_set

    async def _store(self, request: web.Request) -> web.Response:
        data_set = self._admit(request)
        if request.content_type != "application/json":
            raise problem(web.HTTPUnsupportedMediaType, "unsupported_media_type", "Records are sent as JSON.")
        try:
            records = parse_records(await request.read())
        except ValueError as error:
            raise problem(web.HTTPBadRequest, "invalid_records", str(error)) from None
        if self._storage.refuses(records):
            raise problem(web.HTTPBadRequest, "invalid_records", "A record can't be stored.")
        request_id = str(uuid4())
        self._requests[data_set, request_id] = self._storage.take(data_set, records)
        return web.json_response(
            {"state": "preparing"},
            status=202,
            headers={"Location": f"/v2/data_sets/{data_set}/requests/{request_id}"},
        )

    async def _status(self, request: web.Request) -> web.Response:
        data_set = self._admit(request)
        taken = self._requests.get((data_set, request.match_info["request"]))
        if taken is None:
            raise problem(web.HTTPNotFound, "not_found", "There is no such request.")
        if not taken.settled:
            self._storage.poll(taken)
            return web.json_response({"state": "preparing"})
        if taken.end == "error":
            return web.json_response({"state": "error", "failure": errors("storing_failed", "Nothing was stored.")})
        return web.json_response({"state": "active"})

    async def _read(self, request: web.Request) -> web.Response:
        data_set = self._admit(request)
        try:
            return web.json_response(page(self.rows(data_set), request.query))
        except ValueError as error:
            raise problem(web.HTTPBadRequest, "invalid_parameter", str(error)) from None
