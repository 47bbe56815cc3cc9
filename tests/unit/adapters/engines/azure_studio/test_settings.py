import msgspec
import pytest

from adapters.engines.azure_studio.settings import AzureStudioSettings, scoring_url

DISCOVERY = {"subscription_id": "s", "credentials": {"token": "hidden"}}
EXECUTE = "https://region.services.azureml.net/workspaces/w/services/s/execute"


def parse(**options) -> AzureStudioSettings:
    return msgspec.convert({"type": "azure_studio"} | options, AzureStudioSettings)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "Discovery needs subscription_id, credentials"),
        ({"subscription_id": "s"}, "Discovery needs credentials"),
        ({"discover": False, "endpoints": {"b": {}, "a": {"key": "k"}}}, "each endpoint needs `url`: a, b"),
        (DISCOVERY | {"endpoints": {"g/a": {}, "b": {}}}, "named `<group>/<name>` without `resource_group`: rename b,"),
        (DISCOVERY | {"resource_group": "g", "endpoints": {"g/a": {}}}, "named `<name>` with .*: rename g/a,"),
        (DISCOVERY | {"control_url": "http://arm.example"}, "`control_url` has to be https"),
        (DISCOVERY | {"authority_url": "http://entra.example"}, "`authority_url` has to be https"),
        ({"endpoints": {"a": {"url": f"{EXECUTE}?api-version=2.0", "style": "rows"}}}, "remove the query, or `style`"),
        ({"endpoints": {"a": {"url": "https://u:p@host/execute"}}}, "holds credentials"),
        ({"endpoints": {"a": {"url": EXECUTE, "key": "two words"}}}, "no header can carry it"),
    ],
)
def test_contradictions_are_refused(options, sentence):
    with pytest.raises(msgspec.ValidationError, match=sentence):
        parse(**options)


def test_services_by_url_need_no_subscription():
    settings = parse(discover=False, endpoints={"credit": {"url": EXECUTE, "key": "hidden"}})
    assert "hidden" not in f"{settings!r} {settings.endpoints!r}"


def test_the_style_is_the_engines_unless_the_endpoint_has_its_own():
    settings = parse(**DISCOVERY, resource_group="g", style="rows", endpoints={"a": {}, "b": {"style": "table"}})
    assert [settings.style_of(settings.endpoints[name]) for name in ("a", "b")] == ["rows", "table"]


@pytest.mark.parametrize(
    ("url", "style", "called"),
    [
        (EXECUTE, "table", f"{EXECUTE}?api-version=2.0&details=true"),
        (EXECUTE, "rows", f"{EXECUTE}?api-version=2.0&format=swagger"),
        (f"{EXECUTE}?api-version=2.0&details=false", "table", f"{EXECUTE}?api-version=2.0&details=false"),
    ],
)
def test_the_query_chooses_the_style(url, style, called):
    assert scoring_url(url, style) == called
