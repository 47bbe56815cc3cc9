from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.urls import Arrival, BaseUrls, RouteFamily
from schemas.configuration import ServerSettings

PROXIED = ServerSettings(trusted_proxies=("10.0.0.0/8", "2001:db8::/32"))


def arrival(**other: object) -> Arrival:
    known: dict[str, object] = {"peer": "10.0.0.1", "scheme": "http", "host": "inner:8080", "local": "127.0.0.1:8080"}
    return Arrival(**(known | other))  # type: ignore[arg-type]


FORWARDED = {
    "forwarded_for": ("203.0.113.5",),
    "forwarded_proto": ("https",),
    "forwarded_host": ("gw.example.com",),
}


def test_a_public_url_wins_over_everything() -> None:
    settings = ServerSettings(public_url="https://public.example.com/gw/", trusted_proxies=("10.0.0.0/8",))
    assert BaseUrls(settings).base(arrival(**FORWARDED)) == "https://public.example.com/gw"


def test_without_a_proxy_the_host_of_the_request_is_used() -> None:
    assert BaseUrls(ServerSettings()).base(arrival()) == "http://inner:8080"
    assert BaseUrls(ServerSettings()).base(arrival(scheme="https", host="[::1]:8443")) == "https://[::1]:8443"


def test_forwarded_headers_of_a_stranger_are_ignored() -> None:
    for settings in (ServerSettings(), PROXIED):
        assert BaseUrls(settings).base(arrival(peer="192.0.2.7", **FORWARDED)) == "http://inner:8080"
        assert BaseUrls(settings).base(arrival(peer=None, **FORWARDED)) == "http://inner:8080"


@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1"])
def test_forwarded_headers_of_a_trusted_proxy_are_believed(peer: str) -> None:
    assert BaseUrls(PROXIED).base(arrival(peer=peer, **FORWARDED)) == "https://gw.example.com"


@pytest.mark.parametrize(
    ("forwarded", "base"),
    [
        ({"forwarded_proto": ("https",)}, "https://inner:8080"),
        ({"forwarded_proto": ("HTTPS",), "forwarded_port": ("8443",), "forwarded_host": ("gw",)}, "https://gw:8443"),
        ({"forwarded_proto": ("https",), "forwarded_port": ("443",), "forwarded_host": ("gw",)}, "https://gw"),
        ({"forwarded_host": ("gw:81",), "forwarded_port": ("82",)}, "http://gw:81"),
        ({"forwarded_host": ("[2001:db8::1]",), "forwarded_port": ("82",)}, "http://[2001:db8::1]:82"),
        ({"forwarded_prefix": ("/models/v2/",)}, "http://inner:8080/models/v2"),
        ({"forwarded_proto": ("gopher",), "forwarded_host": ("a b",)}, "http://inner:8080"),
        ({"forwarded_prefix": ("/../x",)}, "http://inner:8080"),
        ({"forwarded_prefix": ("//evil.example.com",)}, "http://inner:8080"),
        ({"forwarded_prefix": ("/x?y",)}, "http://inner:8080"),
        ({"forwarded_prefix": ("/" + "x" * 300,)}, "http://inner:8080"),
    ],
)
def test_each_forwarded_header_has_its_part_or_none(forwarded: dict[str, tuple[str, ...]], base: str) -> None:
    assert BaseUrls(PROXIED).base(arrival(**forwarded)) == base


@pytest.mark.parametrize(
    ("forwarded_for", "host"),
    [
        ((), "nearest"),
        (("203.0.113.5",), "nearest"),
        (("203.0.113.5, 10.0.0.2",), "middle"),
        (("203.0.113.5, 10.0.0.3", "10.0.0.2"), "outer"),
        (("10.9.9.9, 203.0.113.5, 10.0.0.2",), "middle"),
        (("nonsense, 10.0.0.2",), "middle"),
    ],
)
def test_in_a_chain_the_outermost_trusted_proxy_counts(forwarded_for: tuple[str, ...], host: str) -> None:
    seen = arrival(forwarded_for=forwarded_for, forwarded_host=("spoofed, outer, middle", "nearest"))
    assert BaseUrls(PROXIED).base(seen) == f"http://{host}"


def test_a_proxy_that_passes_a_header_on_unchanged_is_understood() -> None:
    seen = arrival(forwarded_for=("203.0.113.5, 10.0.0.3, 10.0.0.2",), forwarded_host=("gw.example.com",))
    assert BaseUrls(PROXIED).base(seen) == "http://gw.example.com"


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "a/b",
        "a@b",
        "a b",
        "a\nb",
        'a"b',
        "a:b",
        "a:123456",
        "ä",
        "[::1",
        "<script>",
        "a?b",
        "a#b",
        "-a",
        "x" * 300,
    ],
)
def test_a_hostile_host_is_replaced_by_the_address_of_the_socket(host: str | None) -> None:
    assert BaseUrls(ServerSettings()).base(arrival(host=host)) == "http://127.0.0.1:8080"


@given(st.tuples(*[st.text()] * 6))
def test_whatever_is_sent_the_base_is_a_url_of_a_host(sent: tuple[str, ...]) -> None:
    host, proto, forwarded_host, port, prefix, forwarded_for = sent
    base = BaseUrls(PROXIED).base(
        arrival(
            host=host,
            forwarded_proto=(proto,),
            forwarded_host=(forwarded_host,),
            forwarded_port=(port,),
            forwarded_prefix=(prefix,),
            forwarded_for=(forwarded_for,),
        )
    )
    parts = urlsplit(base)
    assert parts.scheme in {"http", "https"}
    assert parts.hostname
    assert {"@", "?", "#"}.isdisjoint(base)
    assert base.isascii()
    assert base.isprintable()
    assert not base.endswith("/")


@pytest.mark.parametrize(
    ("family", "prefix"),
    [
        (RouteFamily(), ""),
        (RouteFamily(monitor=True), "/monitor"),
        (RouteFamily(engine="aws"), "/engines/aws"),
        (RouteFamily(monitor=True, engine="a/b ü"), "/monitor/engines/a%2Fb%20%C3%BC"),
    ],
)
def test_a_family_has_its_prefix(family: RouteFamily, prefix: str) -> None:
    assert family.prefix == prefix
