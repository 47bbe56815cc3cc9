import msgspec
import pytest

from adapters.engines.azureml.settings import AzureSettings

WORKSPACE = {"subscription_id": "s", "resource_group": "g", "workspace": "w"}
APPLICATION = {"tenant": "t", "client_id": "c", "client_secret": "s"}


def parse(**options) -> AzureSettings:
    return msgspec.convert({"type": "azureml"} | options, AzureSettings)


def test_a_workspace_is_enough():
    settings = parse(**WORKSPACE)
    assert settings.base_url == "https://management.azure.com"
    assert settings.credentials is None


def test_endpoints_by_url_need_no_workspace():
    by_url = {"credit": {"url": "http://10.0.0.1/score", "key": "k"}}
    settings = parse(discover=False, endpoints=by_url)
    assert settings.endpoints["credit"].limits.max_bytes is None
    assert not parse(endpoints=by_url).has_workspace


@pytest.mark.parametrize("discover", [True, {"include": ["a*"]}])
def test_discovery_lists_what_it_misses(discover):
    with pytest.raises(msgspec.ValidationError, match="Discovery needs resource_group, workspace"):
        parse(discover=discover, subscription_id="s")
    with pytest.raises(msgspec.ValidationError, match="Discovery needs subscription_id, resource_group, workspace"):
        parse(discover=discover)
    with pytest.raises(msgspec.ValidationError, match="Discovery needs subscription_id, resource_group, workspace"):
        parse(discover=discover, endpoints={"by-name": {}, "by-url": {"url": "https://a/score"}})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"credentials": {}}, "tenant, client_id, client_secret missing"),
        ({"credentials": {"tenant": "t", "client_id": "c"}}, "client_secret missing"),
        ({"credentials": APPLICATION | {"token": "x"}}, "stands alone"),
        ({"credentials": {"token": "two lines\n"}}, "no header can carry it"),
        ({"control_url": "http://management.example"}, "`control_url` has to be https"),
        ({"authority_url": "http://10.0.0.1"}, "`authority_url` has to be https"),
        ({"discover": False, "endpoints": {"b": {}, "a": {"deployment": "blue"}}}, "needs `url`: a, b"),
        ({"endpoints": {"a/b": {"deployment": "b"}}}, "`endpoints.a/b` names its deployment already"),
        ({"api_version": "a&b"}, "regex"),
        ({"endpoints": {"a": {"url": "https://a/score", "auth": "key"}}}, "needs `key`"),
        ({"endpoints": {"a": {"url": "https://a/score", "auth": "none", "key": "k"}}}, "takes no `key`"),
        ({"endpoints": {"a": {"url": "https://a/score", "auth": "token", "key": "k"}}}, "takes no `key`"),
        ({"endpoints": {"a": {"auth": "none"}}}, "goes with `url`"),
        ({"endpoints": {"a": {"url": "http://10.0.0.1/score", "auth": "token"}}}, "https where a token is sent"),
        ({"endpoints": {"a": {"url": "https://a/score", "key": "two\nlines"}}}, "no header can carry it"),
        ({"endpoints": {"a": {"url": "https://a/score", "deployment": "a b"}}}, "regex"),
        ({"endpoints": {"a": {"limits": {"max_rows": 0}}}}, ">= 1"),
        ({"workspaces": "w"}, "unknown field"),
    ],
)
def test_contradictions_are_refused_in_a_sentence(options, words):
    with pytest.raises(msgspec.ValidationError, match=words):
        parse(**(WORKSPACE | options))


def test_no_secret_is_shown():
    settings = parse(
        **WORKSPACE, credentials=APPLICATION | {"client_secret": "hidden"}, endpoints={"a": {"key": "hidden"}}
    )
    assert "hidden" not in f"{settings} {settings.credentials!r} {settings.endpoints!r}"


def test_the_settings_have_a_json_schema():
    schema = msgspec.json.schema(AzureSettings)
    assert "subscription_id" in schema["$defs"]["AzureSettings"]["properties"]
