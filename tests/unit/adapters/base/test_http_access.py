import msgspec
import pytest

from adapters.base.http_access import (
    HttpCredentials,
    access_headers,
    check_access,
    check_base_url,
    check_header_token,
    check_token_urls,
    may_carry_token,
)


def parse(**options: str) -> HttpCredentials:
    return msgspec.convert(options, HttpCredentials)


def test_basic_credentials_are_sent_as_utf_8():
    assert parse(username="loans", password="pässword").authorization == "Basic bG9hbnM6cMOkc3N3b3Jk"


def test_a_token_is_sent_as_bearer():
    assert parse(token="t0ken").authorization == "Bearer t0ken"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "either `token`, or"),
        ({"username": "a"}, "go together"),
        ({"password": "b"}, "go together"),
        ({"username": "a", "password": "b", "token": "c"}, "either `token`, or"),
        ({"token": "two words"}, "no header can carry it"),
        ({"username": "a:b", "password": "c"}, "regex"),
    ],
)
def test_what_is_no_credential_is_refused_without_its_value(options, sentence):
    with pytest.raises(msgspec.ValidationError, match=sentence) as raised:
        parse(**options)
    assert "two words" not in str(raised.value)


def test_access_is_headers_and_credentials_together():
    headers = {"X-Api-Key": "k"}
    assert access_headers(parse(token="t"), headers) == {"X-Api-Key": "k", "Authorization": "Bearer t"}
    assert access_headers(None, headers) == headers


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"X-Key": "1", "x-key": "2"}, "stands twice"),
        ({"X Key": "hidden"}, "can't be sent"),
        ({"X-Key": "hidden\r\nX-Other: 1"}, "can't be sent"),
        ({"X-Key": " hidden"}, "can't be sent"),
        ({"content-type": "text/csv"}, "set by the gateway"),
        ({"authorization": "Bearer hidden"}, "exclude each other"),
    ],
)
def test_headers_that_can_not_be_sent_are_refused_without_their_values(headers, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        check_access(parse(token="t"), headers)
    assert "hidden" not in str(raised.value)


def test_other_headers_pass_and_may_be_the_only_credential():
    check_access(None, {"Authorization": "Token abc", "X-Key": "a b"})


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://user:secret@host", "holds credentials"),
        ("http://host:99999", "names no host"),
        ("http://:80", "names no host"),
        ("http://host/base/v2", "leave out `/v2`"),
        ("http://host/v2/", "leave out `/v2`"),
    ],
)
def test_a_base_url_that_can_not_be_one_is_refused(url, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        check_base_url("url", url, without="/v2")
    assert "secret" not in str(raised.value)


def test_a_base_url_may_have_a_path():
    check_base_url("url", "https://host:8443/models/credit/", without="/v2")


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://10.0.0.1", True),
        ("http://127.0.0.1:8080", True),
        ("http://127.1.2.3", True),
        ("http://[::1]:80", True),
        ("http://localhost", True),
        ("http://localhost.example", False),
        ("http://10.0.0.1", False),
    ],
)
def test_tokens_go_over_tls_or_stay_on_the_machine(url, may):
    assert may_carry_token(url) is may


def test_keys_that_no_header_carries_are_refused_by_the_name_of_their_option() -> None:
    check_header_token("key", None)
    check_header_token("key", "!aZ09~")
    for value in ("", "two words", "line\n", "schl\u00fcssel", "\x7f"):
        with pytest.raises(ValueError, match="`key` has blanks") as refused:
            check_header_token("key", value)
        assert not value or value not in str(refused.value)


def test_urls_that_take_credentials_are_checked_by_the_names_of_their_options() -> None:
    check_token_urls(url="https://host", token_url=None)
    with pytest.raises(ValueError, match="`token_url` has to be https"):
        check_token_urls(url="https://host", token_url="http://host")
