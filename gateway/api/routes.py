"""What a route is, and the handlers of discovery."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from aiohttp import hdrs, web
from msgspec import Struct, json

from gateway.api.access import RouteKind
from gateway.api.discovery import deployment_document, deployments_document
from gateway.api.urls import Arrival, BaseUrls, RouteFamily
from schemas.deployment import Deployment

MONITOR_PREFIX = "/monitor"
FAMILY_PREFIXES = ("", MONITOR_PREFIX, "/engines/{engine}", f"{MONITOR_PREFIX}/engines/{{engine}}")
"""The custom-engine API is served below each of these."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Route(Struct, frozen=True):
    """A path pattern with its handler; `kind` says who may use it. Handlers run after the gate has admitted."""

    method: str
    path: str
    kind: RouteKind
    handler: Handler


class Deployments(Protocol):
    """What discovery needs of the directory."""

    def deployments(self, engine: str | None = None) -> Sequence[Deployment]:
        """Return all deployments, or those of one engine; raises UnknownDeploymentError for an unknown engine."""
        ...

    def find(self, deployment_id: str, engine: str | None = None) -> Deployment:
        """Return one; raises UnknownDeploymentError or DirectoryNotReadyError."""
        ...


class DiscoveryRoutes:
    """`GET /v1/deployments` and `GET /v1/deployments/{deployment_id}`, below every prefix; from memory alone."""

    def __init__(self, deployments: Deployments, base_urls: BaseUrls) -> None:
        self._deployments = deployments
        self._base_urls = base_urls

    async def list(self, request: web.Request) -> web.Response:
        """List the deployments, of one engine where the path names it."""
        family = route_family(request)
        found = self._deployments.deployments(family.engine)
        return _json(deployments_document(found, self._base_urls.base(arrival(request)), family))

    async def get(self, request: web.Request) -> web.Response:
        """Show one deployment."""
        family = route_family(request)
        found = self._deployments.find(request.match_info["deployment_id"], family.engine)
        return _json(deployment_document(found, self._base_urls.base(arrival(request)), family))

    def routes(self) -> Sequence[Route]:
        """Return the routes of all prefixes."""
        return [
            Route(hdrs.METH_GET, f"{prefix}{path}", "monitor" if is_monitor(prefix) else "discovery", handler)
            for prefix in FAMILY_PREFIXES
            for path, handler in (("/v1/deployments", self.list), ("/v1/deployments/{deployment_id}", self.get))
        ]


def route_family(request: web.Request) -> RouteFamily:
    """Return the prefix that a request of the custom-engine API came in by."""
    return RouteFamily(is_monitor(request.path), request.match_info.get("engine"))


def is_monitor(path: str) -> bool:
    """Whether a path, or the pattern of one, lies below the monitor's prefix."""
    return path == MONITOR_PREFIX or path.startswith(f"{MONITOR_PREFIX}/")


def arrival(request: web.Request) -> Arrival:
    """Pick from a request what its own address is told by."""
    transport = request.transport
    peer = transport.get_extra_info("peername") if transport is not None else None
    return Arrival(
        peer=peer[0] if isinstance(peer, tuple) else None,
        scheme="https" if transport is not None and transport.get_extra_info("sslcontext") is not None else "http",
        host=request.headers.get(hdrs.HOST),
        local=_address(transport.get_extra_info("sockname") if transport is not None else None),
        forwarded_for=request.headers.getall("X-Forwarded-For", ()),
        forwarded_proto=request.headers.getall("X-Forwarded-Proto", ()),
        forwarded_host=request.headers.getall("X-Forwarded-Host", ()),
        forwarded_port=request.headers.getall("X-Forwarded-Port", ()),
        forwarded_prefix=request.headers.getall("X-Forwarded-Prefix", ()),
    )


def _address(sockname: object) -> str:
    if not isinstance(sockname, tuple):
        return "localhost"
    host, port = sockname[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _json(document: object) -> web.Response:
    return web.Response(body=json.encode(document), content_type="application/json")
