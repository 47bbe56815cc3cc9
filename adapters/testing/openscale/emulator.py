"""The server: token services, and data sets that take records now and store them later."""

import base64
import time
from collections import Counter
from collections.abc import Collection
from typing import Any, Literal
from uuid import uuid4

import msgspec
from aiohttp import web
from msgspec import Struct

from adapters.testing.emulator import Emulator
from adapters.testing.openscale.rows import Record, Row, exploded, page, parse_records


class _Taken(Struct):
    """A request that was answered with 202. `polls` are left until it ends in `state`."""

    records: list[Record]
    polls: int
    end: Literal["active", "error"]


class OpenScaleEmulator(Emulator):
    """One OpenScale instance at `url`, IBM Cloud IAM at `iam_url`, Cloud Pak for Data at `cloud_pak_url`.

    Routes for faults: `iam_token`, `authorize`, `store`, `status`, `records`.

    Args:
        apikey: that IAM, and Cloud Pak for Data for `username`, take.
        username: of Cloud Pak for Data, with `password` or `apikey`.
        password: of `username`.
        data_sets: ids that exist; None: any.
        polls: how often the state of a request is `preparing` before its rows are stored; 0: they are stored at once.
        token_seconds: life of a token.
        port: to listen on; 0 takes a free one.

    Attributes:
        poison: scoring ids; a request with one of them is taken, and ends in `error` with nothing stored.
        refused: scoring ids; a POST with one of them is answered with 400.
        failing: how many further requests are taken and end in `error`, whatever they hold.
        taken: how often each scoring id was taken, stored or not; a part of a record counts under its own id.
    """

    def __init__(
        self,
        *,
        apikey: str = "openscale-apikey",
        username: str = "openscale-user",
        password: str = "openscale-password",  # noqa: S107 - of an emulator
        data_sets: Collection[str] | None = None,
        polls: int = 0,
        token_seconds: float = 3600.0,
        port: int = 0,
    ) -> None:
        path = "/v2/data_sets/{data_set}"
        super().__init__(
            [
                web.post("/identity/token", self._iam_token, name="iam_token"),
                web.post("/icp4d-api/v1/authorize", self._authorize, name="authorize"),
                web.post(f"{path}/records", self._store, name="store"),
                web.get(f"{path}/requests/{{request}}", self._status, name="status"),
                web.get(f"{path}/records", self._read, name="records"),
            ],
            port=port,
        )
        self._apikey, self._username, self._password = apikey, username, password
        self._known = data_sets
        self._polls = polls
        self._token_seconds = token_seconds
        self._tokens: dict[str, float] = {}
        self._requests: dict[tuple[str, str], _Taken] = {}
        self._rows: dict[str, dict[str, Row]] = {}
        self.poison: set[str] = set()
        self.refused: set[str] = set()
        self.failing = 0
        self.taken: Counter[str] = Counter()

    @property
    def iam_url(self) -> str:
        """Token URL of IBM Cloud IAM."""
        return f"{self.url}/identity/token"

    @property
    def cloud_pak_url(self) -> str:
        """Token URL of Cloud Pak for Data."""
        return f"{self.url}/icp4d-api/v1/authorize"

    def rows(self, data_set: str) -> list[Row]:
        """Return the stored rows, sorted by `scoring_id` as strings."""
        return [row for _, row in sorted(self._rows.get(data_set, {}).items())]

    def lose_rows(self, data_set: str, *row_ids: str) -> None:
        """Forget stored rows, as a fault of the far side would."""
        for row_id in row_ids:
            del self._rows[data_set][row_id]

    def copy_row(self, data_set: str, row_id: str, new_id: str) -> None:
        """Store a row a second time under another id, as another gateway's."""
        rows = self._rows[data_set]
        rows[new_id] = rows[row_id] | {"scoring_id": new_id}

    def revoke_tokens(self) -> None:
        """Answer every token that was issued so far with 401."""
        self._tokens.clear()

    def forget_requests(self) -> None:
        """Lose what was taken and not stored, as a crash would; the state of any request is then 404."""
        self._requests.clear()

    async def _iam_token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != "urn:ibm:params:oauth:grant-type:apikey":
            return web.json_response(
                {"errorCode": "unsupported_grant_type", "errorMessage": "Unsupported grant."}, status=400
            )
        if form.get("apikey") != self._apikey:
            return web.json_response({"errorCode": "BXNIM0415E", "errorMessage": "Unknown API key."}, status=400)
        now = time.time()
        return web.json_response(
            {
                "access_token": self._issue(now),
                "token_type": "Bearer",
                "expires_in": int(self._token_seconds),
                "expiration": int(now + self._token_seconds),
                "scope": "ibm openid",
            }
        )

    async def _authorize(self, request: web.Request) -> web.Response:
        try:
            credentials = msgspec.json.decode(await request.read())
        except ValueError:
            credentials = None
        if credentials not in (
            {"username": self._username, "password": self._password},
            {"username": self._username, "api_key": self._apikey},
        ):
            return web.json_response({"_messageCode_": "401", "message": "Unauthorized"}, status=401)
        return web.json_response({"_messageCode_": "200", "message": "Success", "token": self._issue(time.time())})

    def _issue(self, now: float) -> str:
        claims = {"iat": int(now), "exp": int(now + self._token_seconds), "jti": uuid4().hex}
        parts = (msgspec.json.encode({"alg": "none", "typ": "JWT"}), msgspec.json.encode(claims), b"signature")
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        self._tokens[token] = now + self._token_seconds
        return token

    def _admit(self, request: web.Request) -> str:
        """Check the token and return the id of the data set."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or self._tokens.get(token, 0.0) <= time.time():
            raise _problem(web.HTTPUnauthorized, "unauthorized", "The token is missing, unknown or expired.")
        data_set = request.match_info["data_set"]
        if self._known is not None and data_set not in self._known:
            raise _problem(web.HTTPNotFound, "not_found", "There is no such data set.")
        return data_set

    async def _store(self, request: web.Request) -> web.Response:
        data_set = self._admit(request)
        if request.content_type != "application/json":
            raise _problem(web.HTTPUnsupportedMediaType, "unsupported_media_type", "Records are sent as JSON.")
        try:
            records = parse_records(await request.read())
        except ValueError as error:
            raise _problem(web.HTTPBadRequest, "invalid_records", str(error)) from None
        if any(record.whole_id in self.refused for record in records):
            raise _problem(web.HTTPBadRequest, "invalid_records", "A record can't be stored.")
        request_id = self._take(data_set, records)
        return web.json_response(
            {"state": "preparing"},
            status=202,
            headers={"Location": f"/v2/data_sets/{data_set}/requests/{request_id}"},
        )

    def _take(self, data_set: str, records: list[Record]) -> str:
        self.taken.update(record.scoring_id for record in records)
        poisoned = any(record.whole_id in self.poison for record in records)
        if self.failing:
            self.failing -= 1
            poisoned = True
        taken = _Taken(records, self._polls, "error" if poisoned else "active")
        request_id = str(uuid4())
        self._requests[data_set, request_id] = taken
        if not taken.polls:
            self._finish(data_set, taken)
        return request_id

    def _finish(self, data_set: str, taken: _Taken) -> None:
        if taken.end == "active":
            rows = self._rows.setdefault(data_set, {})
            for record in taken.records:
                rows.update((row["scoring_id"], row) for row in exploded(record))
        taken.records = []

    async def _status(self, request: web.Request) -> web.Response:
        data_set = self._admit(request)
        taken = self._requests.get((data_set, request.match_info["request"]))
        if taken is None:
            raise _problem(web.HTTPNotFound, "not_found", "There is no such request.")
        if taken.polls:
            taken.polls -= 1
            if not taken.polls:
                self._finish(data_set, taken)
            return web.json_response({"state": "preparing"})
        if taken.end == "error":
            return web.json_response({"state": "error", "failure": _errors("storing_failed", "Nothing was stored.")})
        return web.json_response({"state": "active"})

    async def _read(self, request: web.Request) -> web.Response:
        data_set = self._admit(request)
        try:
            return web.json_response(page(self.rows(data_set), request.query))
        except ValueError as error:
            raise _problem(web.HTTPBadRequest, "invalid_parameter", str(error)) from None


def _errors(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message}], "trace": uuid4().hex}


def _problem(kind: type[web.HTTPException], code: str, message: str) -> web.HTTPException:
    return kind(text=msgspec.json.encode(_errors(code, message)).decode(), content_type="application/json")
