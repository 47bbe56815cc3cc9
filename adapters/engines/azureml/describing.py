"""Asks endpoints what requests they take: nice to know, and not in the way of discovery for long."""

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

import msgspec
import structlog

from adapters.base import Response, Transport
from adapters.base.http_errors import http_error
from adapters.base.patience import Patience
from adapters.base.transport_errors import engine_errors
from adapters.engines.azureml.authorization import Authorization
from adapters.engines.azureml.native import Native, native_of, owner_of
from adapters.engines.azureml.swagger import RequestForm, request_form
from schemas.deployment import Endpoint
from schemas.errors import EngineError, MissingExtraError

AT_ONCE = 8
SECONDS = 10.0
MAX_BYTES = 4 * 2**20
_OPENAPI_3 = "version=3"

log = structlog.get_logger(__name__)


class Descriptions:
    """The columns of endpoints and where they take rows, as their swagger.json tells.

    What was told once is kept while an endpoint can't be asked, so that it doesn't change with the weather; what an
    earlier process may have been told is waited for: see `Patience`.

    Args:
        transport: to the endpoints.
        authorization: the document wants the same key or token as a call.
    """

    def __init__(self, transport: Transport, authorization: Authorization) -> None:
        self._transport = transport
        self._authorization = authorization
        self._known: dict[str, RequestForm | None] = {}
        self._patience = Patience()

    async def described(self, endpoints: Sequence[Endpoint], urls: Sequence[str | None]) -> list[Endpoint]:
        """Return the endpoints with what their documents tell, where these can be had.

        Args:
            endpoints: as discovered.
            urls: of their documents, in the same order.

        Raises:
            EngineError: one can't be had for the moment, of which nothing is known yet.
        """
        limit = asyncio.Semaphore(AT_ONCE)

        async def ask(endpoint: Endpoint, url: str) -> EngineError | None:
            async with limit:
                return await self._learn(endpoint, url)

        # The document is asked for only where the key or token may go anyway.
        asked = [
            ask(endpoint, url)
            for endpoint, url in zip(endpoints, urls, strict=True)
            if url is not None and _same_host(url, native_of(endpoint))
        ]
        awaited = [error for error in await asyncio.gather(*asked) if error is not None]
        names = {item.name for item in endpoints}
        self._known = {name: form for name, form in self._known.items() if name in names}
        if awaited:
            raise awaited[0]
        return [_with_form(item, self._known.get(item.name)) for item in endpoints]

    async def _learn(self, endpoint: Endpoint, url: str) -> EngineError | None:
        """Ask one endpoint; return why it has to be asked again before the endpoints are known."""
        name = endpoint.name
        try:
            self._known[name] = await self._form(endpoint, url)
        except MissingExtraError as error:
            log.debug("form of requests not told by an endpoint", endpoint=name, problem=error.message)
        except EngineError as error:
            log.debug("form of requests not told by an endpoint", endpoint=name, problem=error.message)
            if name not in self._known and self._patience.lasts(name, error):
                return error
        return None

    async def _form(self, endpoint: Endpoint, url: str) -> RequestForm | None:
        """Return what the document tells; None where there is none, or it tells nothing."""
        native, deadline = native_of(endpoint), asyncio.get_running_loop().time() + SECONDS
        token = await self._authorization.token(owner_of(endpoint.name), native, deadline)
        headers = {} if token is None else {"Authorization": f"Bearer {token.value}"}
        if native.deployment is not None:
            headers["azureml-model-deployment"] = native.deployment
        what = f"The swagger.json of Azure ML endpoint {endpoint.name}"
        with engine_errors(what):
            response = await self._document(url, headers, deadline)
        if response.status not in (200, 404):
            raise http_error(what, response)
        return request_form(response.body) if response.status == 200 else None  # noqa: PLR2004 - HTTP

    async def _document(self, url: str, headers: Mapping[str, str], deadline: float) -> Response:
        """Ask for the document in Swagger 2, and where there is none for that in OpenAPI 3.

        Source: microsoft/azureml-inference-server: `?version=` chooses, 2 where nobody does; a script whose schema only
        OpenAPI 3 can say (inference-schema's data frames in other forms than `records`) has no document in Swagger 2.
        """
        response = await self._transport.request("GET", url, headers=headers, deadline=deadline, max_bytes=MAX_BYTES)
        if response.status != 404:  # noqa: PLR2004 - HTTP
            return response
        return await self._transport.request(
            "GET", _openapi_3(url), headers=headers, deadline=deadline, max_bytes=MAX_BYTES
        )


def _openapi_3(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{_OPENAPI_3}" if parts.query else _OPENAPI_3))


def _with_form(endpoint: Endpoint, form: RequestForm | None) -> Endpoint:
    if form is None:
        return endpoint
    return msgspec.structs.replace(
        endpoint, columns=form.columns, input_schema=form.schema, request_options=form.options
    )


def document_beside(scoring_url: str) -> str | None:
    """Return the URL of the document of a service that is known by its scoring URL alone: ACI, AKS.

    Source: Azure Machine Learning v1, "Consume a web service": `/swagger.json` in the place of `/score`.
    """
    parts = urlsplit(scoring_url)
    base, _, last = parts.path.rpartition("/")
    return urlunsplit((parts.scheme, parts.netloc, f"{base}/swagger.json", "", "")) if last == "score" else None


def _same_host(url: str, native: Native) -> bool:
    try:
        document, scoring = urlsplit(url), urlsplit(native.scoring_uri)
    except ValueError:
        return False
    return (document.scheme, document.netloc) == (scoring.scheme, scoring.netloc)
