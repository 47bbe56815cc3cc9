import msgspec
import pytest

from adapters.engines.watson_ml.settings import WatsonMlSettings

CLOUD = {"url": "https://us-south.ml.cloud.ibm.com/", "apikey": "k", "spaces": ["s"]}
CLUSTER = {"url": "https://cluster", "username": "u", "spaces": ["s"]}


def parse(options) -> WatsonMlSettings:
    return msgspec.convert({"type": "watson_ml"} | options, WatsonMlSettings)


def test_a_url_an_api_key_and_a_space_are_enough():
    settings = parse(CLOUD)
    assert settings.deployments_url == "https://us-south.ml.cloud.ibm.com/ml/v4/deployments"
    assert settings.version == "2020-09-01"


@pytest.mark.parametrize("secret", [{"password": "p"}, {"apikey": "k"}])
def test_a_cluster_takes_a_password_or_an_api_key(secret):
    assert parse(CLUSTER | secret).username == "u"


def test_without_discovery_no_space_is_needed():
    assert parse(CLOUD | {"spaces": [], "discover": False}).spaces == ()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (CLOUD | {"apikey": None}, "IBM Cloud needs `apikey`"),
        (CLOUD | {"password": "p"}, "IBM Cloud needs `apikey`"),
        (CLUSTER, "exactly one of"),
        (CLUSTER | {"password": "p", "apikey": "k"}, "exactly one of"),
        (CLOUD | {"spaces": []}, "Discovery needs `spaces`"),
        (CLOUD | {"spaces": [], "discover": {"include": ["a*"]}}, "Discovery needs `spaces`"),
        (CLOUD | {"version": "2020-9-1"}, "regex"),
        (CLOUD | {"endpoints": {"credit": {"id": ""}}}, "length >= 1"),
        (CLOUD | {"url": "http://cluster"}, "`url` has to be https"),
        (CLOUD | {"token_url": "http://iam"}, "`token_url` has to be https"),
        (CLUSTER | {"password": "p", "identity_url": "http://console"}, "`identity_url` has to be https"),
        (CLUSTER | {"apikey": "k", "identity_url": "https://console"}, "`identity_url` needs `username`"),
        (CLUSTER | {"username": "u\n", "password": "p"}, "control characters"),
        (CLOUD | {"url": "https://cluster/ml/v4"}, "leave out `/ml/v4`"),
        (CLOUD | {"space_id": "s"}, "unknown field"),
    ],
)
def test_contradictions_are_refused_in_a_sentence(options, words):
    with pytest.raises(msgspec.ValidationError, match=words):
        parse(options)


def test_no_secret_is_shown():
    assert "hidden" not in repr(parse(CLOUD | {"apikey": "hidden"}))


def test_the_settings_have_a_json_schema():
    assert "spaces" in msgspec.json.schema(WatsonMlSettings)["$defs"]["WatsonMlSettings"]["properties"]
