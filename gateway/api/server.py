"""The route table: every route behind its guard, and an error body for whatever is no route."""

from collections.abc import Iterable

from aiohttp import HttpVersion11, web

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
            app.router.add_get(route.path, guard.protect(route), expect_handler=_continue)
        else:
            app.router.add_route(route.method, route.path, guard.protect(route), expect_handler=_continue)
    for path, allowed in methods.items():
        app.router.add_route("*", path, guard.answer(_method_not_allowed(tuple(allowed))), expect_handler=_ignore)
    app.router.add_route("*", "/{path:.*}", guard.answer(_no_such_route), expect_handler=_ignore)
    return app


async def _continue(request: web.Request) -> None:
    """Ask for the body where the caller waits to be asked; expect nothing else (RFC 9110, 10.1.1, allows that)."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version == HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # That was no part of the answer.
        request.writer.output_size = 0


async def _ignore(request: web.Request) -> None:
    """Answer at once: the body does not matter."""


def _method_not_allowed(allowed: tuple[str, ...]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        raise MethodNotAllowedError(allowed)

    return handle


async def _no_such_route(request: web.Request) -> web.StreamResponse:
    raise NoSuchRouteError("Nothing is served here. GET /v1/deployments lists the deployments.")
