import pytest

from schemas.configuration import DeploymentSettings
from schemas.deployment import Deployment, Endpoint


@pytest.mark.parametrize(
    ("configured", "title", "shown"),
    [
        ("Credit", "credit risk", "Credit"),
        (None, "credit risk", "credit risk"),
        (None, None, "0bd663be"),
    ],
)
def test_a_deployment_shows_its_configured_name_then_the_platforms_title_then_the_endpoints_name(
    configured, title, shown
):
    endpoint = Endpoint(name="0bd663be", title=title)
    settings = DeploymentSettings(name=configured)
    assert Deployment(id="d", engine="e", endpoint=endpoint, settings=settings).name == shown


@pytest.mark.parametrize(("log", "takes"), [("native", True), ("application", False), ("all", False), ("none", False)])
def test_a_deployment_takes_native_bodies_where_that_is_configured(log, takes):
    endpoint = Endpoint(name="e")
    settings = DeploymentSettings(log=log)
    assert Deployment(id="d", engine="e", endpoint=endpoint, settings=settings).takes_native is takes
    assert not Deployment(id="d", engine="e", endpoint=endpoint, settings=None).takes_native
