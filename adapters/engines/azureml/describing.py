"""Asks endpoints what requests they take: nice to know, and never in the way of discovery."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

import msgspec
import structlog

from adapters.base import Transport, TransportError
from adapters.engines.azureml.authorization import Authorization
from adapters.engines.azureml.native import Native, native_of, owner_of
from adapters.engines.azureml.swagger import RequestForm, request_form
from schemas.deployment import Endpoint
from schemas.errors import EngineError, MissingExtraError

AT_ONCE = 8
SECONDS = 10.0
MAX_BYTES = 4 * 2**20

log = structlog.get_logger(__name__)


class Descriptions:
    """The columns of endpoints and where they take rows, as their swagger.json tells.

    What was told once is kept while an endpoint can't be asked, so that it doesn't change with the weather.

    Args:
        transport: to the endpoints.
        authorization: the document wants the same key or token as a call.
    """

    def __init__(self, transport: Transport, authorization: Authorization) -> None:
        self._transport = transport
        self._authorization = authorization
        self._known: dict[str, RequestForm | None] = {}

    async def described(self, endpoints: Sequence[Endpoint], urls: Sequence[str | None]) -> list[Endpoint]:
        """Return the endpoints with what their documents tell, where these can be had.

        Args:
            endpoints: as discovered.
            urls: of their documents, in the same order.
        """
        limit = asyncio.Semaphore(AT_ONCE)

        async def ask(endpoint: Endpoint, url: str) -> None:
            async with limit:
                self._known[endpoint.name] = await self._form(endpoint, url)

        # The document is asked for only where the key or token may go anyway.
        asked = [
            ask(endpoint, url)
            for endpoint, url in zip(endpoints, urls, strict=True)
            if url is not None and _same_host(url, native_of(endpoint))
        ]
        await asyncio.gather(*asked)
        self._known = {item.name: self._known.get(item.name) for item in endpoints}
        return [_with_form(item, self._known[item.name]) for item in endpoints]

    async def _form(self, endpoint: Endpoint, url: str) -> RequestForm | None:
        native, deadline = native_of(endpoint), asyncio.get_running_loop().time() + SECONDS
        try:
            token = await self._authorization.token(owner_of(endpoint.name), native, deadline)
            headers = {} if token is None else {"Authorization": f"Bearer {token.value}"}
            if native.deployment is not None:
                headers["azureml-model-deployment"] = native.deployment
            response = await self._transport.request(
                "GET", url, headers=headers, deadline=deadline, max_bytes=MAX_BYTES
            )
        except (TransportError, EngineError, MissingExtraError) as error:
            log.debug("form of requests not told by an endpoint", endpoint=endpoint.name, problem=str(error))
            return self._known.get(endpoint.name)
        if response.status != 200:  # noqa: PLR2004 - HTTP
            log.debug("form of requests not told by an endpoint", endpoint=endpoint.name, status=response.status)
            return None if response.status == 404 else self._known.get(endpoint.name)  # noqa: PLR2004
        return request_form(response.body)


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
