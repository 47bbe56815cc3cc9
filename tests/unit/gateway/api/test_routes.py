from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from gateway.api.routes import DiscoveryRoutes, Route, is_monitor
from gateway.api.urls import BaseUrls
from schemas.configuration import ServerSettings
from schemas.deployment import Deployment, Endpoint
from schemas.errors import UnknownDeploymentError

Client = Callable[[web.Application], Awaitable[TestClient[web.Request, web.Application]]]
FAMILIES = ["", "/monitor", "/engines/aws", "/monitor/engines/aws"]


class TwoDeployments:
    """A directory with one deployment of each of two engines."""

    _all = tuple(
        Deployment(id=f"{engine}-model", engine=engine, endpoint=Endpoint(name="model"), settings=None)
        for engine in ("aws", "azure")
    )

    def deployments(self, engine: str | None = None) -> Sequence[Deployment]:
        return [deployment for deployment in self._all if engine in (None, deployment.engine)]

    def find(self, deployment_id: str, engine: str | None = None) -> Deployment:
        for deployment in self.deployments(engine):
            if deployment.id == deployment_id:
                return deployment
        raise UnknownDeploymentError("There is no such deployment.")


@pytest.fixture
async def client(aiohttp_client: Client) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    for route in routes(ServerSettings(trusted_proxies=("127.0.0.1",))):
        app.router.add_get(route.path, route.handler)
    return await aiohttp_client(app)


def routes(settings: ServerSettings) -> Sequence[Route]:
    return DiscoveryRoutes(TwoDeployments(), BaseUrls(settings)).routes()


@pytest.mark.parametrize("family", FAMILIES)
async def test_the_list_hands_out_urls_below_the_prefix_it_was_asked_by(
    client: TestClient[web.Request, web.Application], family: str
) -> None:
    response = await client.get(f"{family}/v1/deployments")
    assert response.status == 200
    assert response.content_type == "application/json"
    document: dict[str, Any] = await response.json()
    engines = ["aws"] if "engines" in family else ["aws", "azure"]
    assert [entry["metadata"]["url"] for entry in document["resources"]] == [
        str(client.make_url(f"{family}/v1/deployments/{engine}-model/online")) for engine in engines
    ]


@pytest.mark.parametrize("family", FAMILIES)
async def test_one_deployment_is_shown_as_it_stands_in_the_list(
    client: TestClient[web.Request, web.Application], family: str
) -> None:
    listed = await (await client.get(f"{family}/v1/deployments")).json()
    shown = await (await client.get(f"{family}/v1/deployments/aws-model")).json()
    assert shown == listed["resources"][0]


async def test_what_the_proxy_says_is_what_discovery_hands_out(
    client: TestClient[web.Request, web.Application],
) -> None:
    headers = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "gw.example.com"}
    document = await (await client.get("/monitor/v1/deployments/aws-model", headers=headers)).json()
    assert document["metadata"]["url"] == "https://gw.example.com/monitor/v1/deployments/aws-model/online"


async def test_a_hostile_host_header_leaves_no_trace(client: TestClient[web.Request, web.Application]) -> None:
    response = await client.get("/v1/deployments/aws-model", headers={"Host": "evil/<script>"})
    assert "evil" not in await response.text()
    assert (await response.json())["metadata"]["url"].startswith(f"http://127.0.0.1:{client.port}/")


def test_routes_below_the_prefix_are_the_monitors() -> None:
    kinds = {route.path: route.kind for route in routes(ServerSettings())}
    assert len(kinds) == 8
    assert all(kind == ("monitor" if path.startswith("/monitor") else "discovery") for path, kind in kinds.items())


@pytest.mark.parametrize(
    ("path", "answer"), [("/monitor", True), ("/monitor/x", True), ("/monitors/x", False), ("/x/monitor", False)]
)
def test_a_path_is_the_monitors_by_its_first_segment(path: str, answer: bool) -> None:
    assert is_monitor(path) is answer
