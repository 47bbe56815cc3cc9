"""What Azure Resource Manager is asked for: the list of web services, one of them in full, and its keys.

Source: REST reference of Machine Learning Studio (classic), Web Services - List By Subscription ID, List By Resource
Group, Get, List Keys (2017-01-01). The list leaves out what a service takes; Get has it, but never the keys.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct, field

from adapters.base import Response, TokenSource, Transport
from adapters.base.bearer import BearerExchanges
from adapters.base.http_access import is_header_token
from adapters.base.http_errors import error_words
from adapters.base.transport_errors import engine_errors
from adapters.engines.azure_studio.settings import AzureStudioSettings
from schemas.errors import EngineError, EngineRefusedError, EngineReplyError, EngineUnavailableError

MAX_PAGES = 200
_MAX_BYTES = 32 * 2**20
_ARM = "Azure Resource Manager"
Form = TypeVar("Form")


class Realtime(Struct, frozen=True):
    """Limits of calls."""

    max_parallel: int | None = field(name="maxConcurrentCalls", default=None)


class Properties(Struct, frozen=True, rename="camel"):
    """What the list says of a service."""

    title: str | None = None
    description: str | None = None
    created_on: str | None = None
    modified_on: str | None = None
    provisioning_state: str | None = None
    swagger_location: str | None = None
    realtime_configuration: Realtime | None = None


class WebService(Struct, frozen=True):
    """A web service of the kind "New". `id` is its ARM id."""

    id: str
    properties: Properties = Properties()

    @property
    def name(self) -> str:
        """Name within its resource group."""
        return self.id.rpartition("/")[2]

    @property
    def resource_group(self) -> str:
        """Name of its resource group; empty where the id has another form."""
        match = re.search(r"/resourceGroups/([^/]+)/", self.id, re.IGNORECASE)
        return "" if match is None else match[1]


class _Page(Struct, frozen=True):
    value: list[WebService]
    next_link: str | None = field(name="nextLink", default=None)


class _Port(Struct, frozen=True):
    properties: dict[str, Any] | None = None


class _Ports(Struct, frozen=True):
    properties: dict[str, _Port] | None = None


class _Definition(Struct, frozen=True):
    input: _Ports | None = None


class _Described(Struct, frozen=True):
    properties: _Definition = _Definition()


class _Keys(Struct, frozen=True):
    primary: str


class ControlPlane:
    """Azure Resource Manager, for one engine.

    Args:
        settings: of the engine.
        transport: lent by the gateway.
        tokens: for the control plane.
    """

    def __init__(self, settings: AzureStudioSettings, transport: Transport, tokens: TokenSource) -> None:
        self._settings = settings
        self._transport = transport
        self._exchanges = BearerExchanges(tokens)

    async def services(self, deadline: float) -> list[WebService]:
        """List the web services, page by page.

        Raises:
            EngineError: they can't be listed.
        """
        what = "The web services of Azure ML Studio can't be listed"
        url: str | None = self._url(self._scope_path())
        found: list[WebService] = []
        for _ in range(MAX_PAGES):
            if url is None:
                return found
            page = await self._read(url, _Page, what, deadline)
            found += [service for service in page.value if service.id.startswith("/subscriptions/")]
            url = page.next_link
            if url is not None and not self._is_own(url):
                raise EngineReplyError(f"{what}: {_ARM} names a next page on another host. Check `control_url`.")
        raise EngineReplyError(f"{what}: there are more than {MAX_PAGES} pages.")

    async def columns(self, service: WebService, deadline: float) -> tuple[str, ...] | None:
        """Return the columns of the input `input1`, or of the only one; None where the service doesn't name them.

        Raises:
            EngineError: the service can't be described.
        """
        what = f"Azure ML Studio service {service.name} can't be described"
        described = await self._read(self._url(_quoted(service.id)), _Described, what, deadline)
        ports: Mapping[str, _Port] = (described.properties.input or _Ports()).properties or {}
        port = ports.get("input1") or (next(iter(ports.values())) if len(ports) == 1 else None)
        return tuple(port.properties) if port is not None and port.properties else None

    async def key(self, arm_id: str, deadline: float) -> str:
        """Return the primary key of a web service.

        Raises:
            EngineError: it can't be had.
        """
        what = f"The key of Azure ML Studio service {arm_id.rpartition('/')[2]} can't be fetched"
        key = (await self._read(self._url(f"{_quoted(arm_id)}/listKeys"), _Keys, what, deadline)).primary
        if not is_header_token(key):
            raise _unreadable(what)
        return key

    async def _read(self, url: str, form: type[Form], what: str, deadline: float) -> Form:
        async def get(authorization: str) -> Response:
            headers = {"Authorization": authorization, "Accept": "application/json"}
            with engine_errors(_ARM):
                return await self._transport.request(
                    "GET", url, headers=headers, deadline=deadline, max_bytes=_MAX_BYTES
                )

        response = await self._exchanges.make(get, deadline=deadline)
        if response.status != 200:  # noqa: PLR2004 - HTTP
            raise _problem(what, response)
        try:
            return msgspec.json.decode(response.body, type=form)
        except (ValueError, RecursionError) as error:
            raise _unreadable(what) from error

    def _scope_path(self) -> str:
        path = f"/subscriptions/{self._settings.subscription_id}"
        if self._settings.resource_group is not None:
            path += f"/resourceGroups/{self._settings.resource_group}"
        return _quoted(f"{path}/providers/Microsoft.MachineLearning/webServices")

    def _url(self, path: str) -> str:
        return f"{self._settings.base_url}{path}?api-version={quote(self._settings.api_version, safe='')}"

    def _is_own(self, url: str) -> bool:
        """Whether a page may be asked for with the token."""
        theirs, ours = urlsplit(url), urlsplit(self._settings.base_url)
        return (theirs.scheme, theirs.netloc) == (ours.scheme, ours.netloc)


def _quoted(path: str) -> str:
    return quote(path, safe="/")


def _problem(what: str, response: Response) -> EngineError:
    status = response.status
    if status in (408, 429) or status >= 500:  # noqa: PLR2004 - HTTP
        return EngineUnavailableError(f"{what} now (status {status}).", engine_status=status, retryable=True)
    if status in (401, 403):
        advice = "check `credentials` and the roles of their identity"
    elif status == 404:  # noqa: PLR2004 - HTTP
        advice = "check `subscription_id`, `resource_group` and `control_url`"
    else:
        advice = "check `api_version` and `control_url`"
    return EngineRefusedError(
        f"{what} (status {status}): {advice}.", engine_status=status, engine_message=error_words(response.body)
    )


def _unreadable(what: str) -> EngineReplyError:
    return EngineReplyError(f"{what}: the answer of {_ARM} is not what it should be. Check `control_url`.")
