"""The sink: who is asked for what, with which token."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Annotated
from urllib.parse import quote, urlencode, urlsplit

from adapters.base import (
    Batch,
    Held,
    Receipt,
    RecordFilter,
    Response,
    Settlement,
    Sink,
    SinkPlugin,
    Token,
    TokenSource,
    Transport,
    TransportError,
)
from adapters.sinks.openscale.answers import request_id, row_ids, settlement
from adapters.sinks.openscale.records import bodies
from adapters.tokens import IAM_URL, CloudPakTokens, IamTokens
from schemas.configuration import DeploymentReference, Doc, HttpUrl, Secret, SinkSettings
from schemas.errors import EngineError, SinkUnavailableError
from schemas.payload import PayloadRecord

_CLOUD_PAK_PATH = "/icp4d-api/v1/authorize"
_MAX_ANSWER_BYTES = 1_000_000
# More are silently cut (formats.md 3.3).
_PAGE_ROWS = 1000


class OpenScaleSettings(SinkSettings, frozen=True, kw_only=True):
    """Where OpenScale is, who calls it, and which data set takes the records of which deployment."""

    url: Annotated[
        HttpUrl,
        Doc("Base of the service: https://api.aiopenscale.cloud.ibm.com/openscale/<instance id>, or the cluster's."),
    ]
    data_sets: Annotated[
        dict[DeploymentReference, Annotated[str, Doc("Id of the data set of type payload_logging.", min_length=1)]],
        Doc("Data sets by public id of the deployment; records of other deployments are not sent."),
    ]
    apikey: Annotated[Secret | None, Doc("API key: of IBM Cloud, or with `username` of Cloud Pak for Data.")] = None
    token_url: Annotated[
        HttpUrl | None,
        Doc(
            "Where tokens come from. Default: IBM Cloud IAM; with `username` the cluster that `url` names. A cluster's "
            "URL without a path is completed."
        ),
    ] = None
    username: Annotated[str | None, Doc("User of Cloud Pak for Data; null: IBM Cloud.")] = None
    password: Annotated[Secret | None, Doc("Password of `username`, instead of `apikey`.")] = None

    def __post_init__(self) -> None:
        """Refuse credentials that contradict each other.

        Raises:
            ValueError: with a sentence that says what is needed.
        """
        if self.username is None and (self.apikey is None or self.password is not None):
            raise ValueError("IBM Cloud needs `apikey`; Cloud Pak for Data `username` and one of `password`, `apikey`")
        if self.username is not None and (self.apikey is None) == (self.password is None):
            raise ValueError("`username` needs exactly one of `password` and `apikey`")


class OpenScale:
    """A `Sink`: the payload data sets of one OpenScale instance."""

    def __init__(self, settings: OpenScaleSettings, transport: Transport) -> None:
        self._data_sets = settings.data_sets
        self._base = f"{settings.url.rstrip('/')}/v2/data_sets"
        self._max_bytes = int(settings.batch.kb * 1000)
        self._transport = transport
        self._tokens = _tokens(settings, transport)
        self._filter = RecordFilter(
            deployments=frozenset(settings.data_sets),
            outcomes=frozenset({"scored"}),
            origins=frozenset({"application"}),
        )

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
        requests = []
        waiting = bodies([item.record for item in batch.records], self._max_bytes)
        # In a thread: cutting a record of 20 MB takes a quarter of a second.
        while body := await asyncio.to_thread(next, waiting, None):
            response = await self._exchange("POST", url, deadline, body)
            requests.append(request_id(response, f"data_sets.{batch.deployment_id}"))
        return Receipt({"data_set": batch.partition, "requests": tuple(requests)})

    async def settle(self, receipt: Receipt, *, deadline: float) -> Settlement:
        """Ask for the state of the receipt's requests; the first that is not stored decides: see `Sink.settle`."""
        data_set = quote(receipt.reference["data_set"], safe="")
        for request in receipt.reference["requests"]:
            url = f"{self._base}/{data_set}/requests/{quote(request, safe='')}"
            outcome = settlement(await self._exchange("GET", url, deadline))
            if outcome.state != "stored":
                return outcome
        return Settlement(state="stored")

    async def held(self, deployment_id: str, *, start: datetime, end: datetime, deadline: float) -> AsyncIterator[Held]:
        """Read the ids of the data set's rows, in pages (formats.md 3.5): see `AuditableSink.held`."""
        data_set = self._data_sets.get(deployment_id)
        if data_set is None:
            return
        url = f"{self._base}/{quote(data_set, safe='')}/records"
        limits = {"start": _moment(start), "end": _moment(end), "includes": "scoring_id", "format": "list"}
        # A row that arrives meanwhile moves others to the next page, where they would be counted again.
        seen: set[str] = set()
        offset, page = 0, [""]
        while page:
            query = urlencode({**limits, "limit": _PAGE_ROWS, "offset": offset})
            response = await self._exchange("GET", f"{url}?{query}", deadline)
            page = row_ids(response, f"data_sets.{deployment_id}")
            for row_id in page:
                if row_id not in seen:
                    seen.add(row_id)
                    # `<scoring_id>-<n>`, or `<scoring_id>.<k>-<n>` of a part.
                    yield Held(row_id.rpartition("-")[0].partition(".")[0], 1)
            offset += len(page)

    async def _exchange(self, method: str, url: str, deadline: float, body: bytes = b"") -> Response:
        with _unavailable():
            token = await self._tokens.token(deadline=deadline)
            response = await self._request(method, url, token, deadline, body)
            if response.status != 401:  # noqa: PLR2004 - HTTP
                return response
            token = await self._tokens.token(deadline=deadline, rejected=token)
            return await self._request(method, url, token, deadline, body)

    async def _request(self, method: str, url: str, token: Token, deadline: float, body: bytes) -> Response:
        headers = {"Authorization": f"Bearer {token.value}", "Accept": "application/json"}
        if body:
            headers["Content-Type"] = "application/json"
        return await self._transport.request(
            method, url, headers=headers, body=body, deadline=deadline, max_bytes=_MAX_ANSWER_BYTES
        )


@asynccontextmanager
async def connect(settings: OpenScaleSettings, transport: Transport) -> AsyncIterator[Sink]:
    """Open the sink; the first record asks for a token."""
    yield OpenScale(settings, transport)


plugin = SinkPlugin(kind="openscale", settings=OpenScaleSettings, connect=connect)


def _tokens(settings: OpenScaleSettings, transport: Transport) -> TokenSource:
    if settings.username is None:
        return IamTokens(transport, apikey=settings.apikey or "", url=settings.token_url or IAM_URL)
    url = urlsplit(settings.token_url or urlsplit(settings.url)._replace(path="").geturl())
    return CloudPakTokens(
        transport,
        url=url._replace(path=url.path.rstrip("/") or _CLOUD_PAK_PATH).geturl(),
        username=settings.username,
        password=settings.password,
        apikey=settings.apikey,
    )


def _moment(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except TransportError as error:
        raise SinkUnavailableError(f"OpenScale gave no answer: {error}") from error
    except EngineError as error:
        raise SinkUnavailableError(error.message, retry_after=error.retry_after) from error
