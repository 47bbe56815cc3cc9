from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.engines.custom.urls import ScoringUrls

BASE = "http://engine.example:5000"
DERIVED = f"{BASE}/v1/deployments/credit/online"


def chosen(*listed: str | None, base: str = BASE) -> str:
    return ScoringUrls(base).chosen(listed, "credit")


def test_the_first_usable_url_is_followed_wherever_it_leads():
    assert chosen(None, "https://elsewhere/a?b=c", "https://elsewhere/d") == "https://elsewhere/a?b=c"


def test_without_a_listed_url_that_of_the_contract_is_called():
    assert chosen(None, None) == DERIVED
    assert ScoringUrls(BASE).derived("a/b c") == f"{BASE}/v1/deployments/a%2Fb%20c/online"


@pytest.mark.parametrize(
    "listed",
    ["", "credit-endpoint", "ftp://h/a", "http://", "http://:80/a", "http://h:99999/", "http://[::1/a", "http://h/a b"],
)
def test_what_is_no_url_is_passed_over(listed):
    assert chosen(listed, "https://h/second") == "https://h/second"
    assert chosen(listed) == DERIVED


def test_a_path_is_one_on_the_engines_host():
    assert chosen("/v1/score") == f"{BASE}/v1/score"
    assert chosen("//elsewhere/score") == DERIVED


def test_credentials_and_fragments_of_a_listed_url_are_dropped():
    assert chosen("https://user:word@h/a?b#c") == "https://h/a?b"


@pytest.mark.parametrize(
    ("base", "listed", "followed"),
    [
        ("http://h:5000", "https://h:5000/s", "http://h:5000/s"),
        ("https://h:5000", "http://h:5000/s", "https://h:5000/s"),
        ("https://h", "http://h/s", "https://h/s"),
        ("http://h", "https://h/s", "https://h/s"),
        ("http://h:80", "https://H/s", "https://h/s"),
        ("https://h", "http://h:80/s", "https://h/s"),
        ("http://h:5000", "https://h/s", "https://h/s"),
        ("http://h:5000", "https://other:5000/s", "https://other:5000/s"),
        ("http://[::1]:5000", "https://[::1]:5000/s", "http://[::1]:5000/s"),
    ],
)
def test_on_the_engines_own_host_and_port_the_scheme_is_corrected(base, listed, followed):
    assert chosen(listed, base=base) == followed


@pytest.mark.parametrize(
    ("url", "may"),
    [
        (f"{BASE}/any/path", True),
        ("HTTP://ENGINE.example:5000/s", True),
        ("https://trusted:8443/s", True),
        ("https://configured/s", True),
        ("https://configured:443/s", True),
        ("http://engine.example/s", False),
        ("http://engine.example:5001/s", False),
        ("https://trusted/s", False),
        ("http://engine.example.evil:5000/s", False),
    ],
)
def test_only_hosts_of_the_configuration_get_credentials(url, may):
    urls = ScoringUrls(BASE, ["Trusted:8443"], ["https://configured/other"])
    assert urls.may_carry_credentials(url) is may


@given(st.lists(st.none() | st.text() | st.from_regex(r"https?://\S{1,20}", fullmatch=True), max_size=3), st.text())
def test_whatever_is_listed_the_result_can_be_called(listed, identity):
    url = ScoringUrls(BASE).chosen(listed, identity)
    parts = urlsplit(url)
    assert parts.scheme in ("http", "https")
    assert parts.hostname
    assert parts.port is None or parts.port >= 0
    assert url.isascii()
    assert url.isprintable()
    assert " " not in url
