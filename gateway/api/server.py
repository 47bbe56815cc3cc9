"""The route table: every route behind its guard, and an error body for whatever is no route."""

from collections.abc import Iterable

from aiohttp import web

from gateway.api.errors import MethodNotAllowedError, NoSuchRouteError
from gateway.api.guard import Guard
from gateway.api.routes import Handler, Route


def application(routes: Iterable[Route], guard: Guard, *, max_body_bytes: int) -> web.Application:
    """Return the aiohttp application that serves these routes.

    Args:
        routes: of all surfaces.
        guard: stands before each of them.
        max_body_bytes: of a request.
    """
    app = web.Application(client_max_size=max_body_bytes)
    methods: dict[str, list[str]] = {}
    for route in routes:
        methods.setdefault(route.path, []).append(route.method)
        if route.method == "GET":
            app.router.add_get(route.path, guard.protect(route))
        else:
            app.router.add_route(route.method, route.path, guard.protect(route))
    for path, allowed in methods.items():
        app.router.add_route("*", path, guard.answer(_method_not_allowed(tuple(allowed))))
    app.router.add_route("*", "/{path:.*}", guard.answer(_no_such_route))
    return app


def _method_not_allowed(allowed: tuple[str, ...]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        raise MethodNotAllowedError(allowed)

    return handle


async def _no_such_route(request: web.Request) -> web.StreamResponse:
    raise NoSuchRouteError("Nothing is served here. GET /v1/deployments lists the deployments.")
