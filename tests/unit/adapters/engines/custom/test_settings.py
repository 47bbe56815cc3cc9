import msgspec
import pytest

from adapters.engines.custom.settings import CustomSettings

URL = "http://engine.example:5000"


def parse(**options) -> CustomSettings:
    return msgspec.convert({"type": "custom", "url": URL} | options, CustomSettings)


def test_a_url_is_enough():
    settings = parse(url=f"{URL}/")
    assert settings.base_url == URL
    assert settings.credentials is None


def test_a_scoring_url_may_have_a_query():
    settings = parse(endpoints={"credit": {"url": f"{URL}/score?version=1"}})
    assert settings.endpoints["credit"].url == f"{URL}/score?version=1"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"credentials": {"username": "u"}}, "go together"),
        ({"headers": {"X-Key": "two\nlines"}}, r"`headers.X-Key` can't be sent"),
        ({"headers": {"X-Key": "end\n"}}, r"`headers.X-Key` can't be sent"),
        ({"headers": {"X Key": "v"}}, r"`headers.X Key` can't be sent"),
        ({"headers": {"Content-Type": "v"}}, "set by the gateway"),
        ({"headers": {"X-Key": "v", "x-key": "w"}}, "stands twice"),
        ({"headers": {"authorization": "v"}, "credentials": {"token": "t"}}, "exclude each other"),
        ({"url": "http://u:p@engine.example"}, "`url` holds credentials"),
        ({"url": "http://engine.example:99999"}, "a port that can't be one"),
        ({"url": "http://:80"}, "names no host"),
        ({"url": "engine.example"}, "regex"),
        ({"url": "https://engine.example/v1/"}, "leave out `/v1`"),
        ({"endpoints": {"a": {"url": "https://u:p@h/score"}}}, "`url` holds credentials"),
        ({"endpoints": {"a": {"limits": {"max_rows": 0}}}}, ">= 1"),
        ({"apikey": "k"}, "unknown field"),
    ],
)
def test_contradictions_are_refused_in_a_sentence(options, words):
    with pytest.raises(msgspec.ValidationError, match=words):
        parse(**options)


def test_no_secret_is_shown_in_settings_or_in_a_refusal():
    settings = parse(credentials={"username": "u", "password": "hidden"}, headers={"X-Key": "hidden"})
    assert "hidden" not in f"{settings!r} {settings.credentials!r}"
    with pytest.raises(msgspec.ValidationError) as caught:
        parse(headers={"X-Key": "hidden\n"})
    assert "hidden" not in str(caught.value)


def test_the_settings_have_a_json_schema():
    assert "trusted_hosts" in msgspec.json.schema(CustomSettings)["$defs"]["CustomSettings"]["properties"]
