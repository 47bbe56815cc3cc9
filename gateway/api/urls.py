"""The URLs that discovery hands out: as the caller reached the gateway, and below the prefix that it used.

What a request says about its own address comes from outside: it is taken only in the form of an address, and
`X-Forwarded-*` only from a trusted proxy. These headers have no standard; each proxy of a chain appends its view, so
the value of the outermost trusted proxy counts.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote

from msgspec import Struct

from schemas.configuration import ServerSettings

_HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_HAS_PORT = re.compile(r":[0-9]+$")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?")
_PORT = re.compile(r"[0-9]{1,5}")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_MAX_PREFIX = 256


class RouteFamily(Struct, frozen=True):
    """Where below the base the custom-engine API was used: the monitor's prefix, one engine's, both or neither."""

    monitor: bool = False
    engine: str | None = None

    @property
    def prefix(self) -> str:
        """Path before `/v1/deployments`: empty, or with a leading slash."""
        monitor = "/monitor" if self.monitor else ""
        return monitor if self.engine is None else f"{monitor}/engines/{quote(self.engine, safe='')}"


class Arrival(Struct, frozen=True):
    """What a request and its connection say about where it was sent to.

    Attributes:
        peer: IP address of the other side; None where the socket has none.
        scheme: of the connection: http or https.
        host: value of `Host`; None where it is missing.
        local: `address:port` that the gateway was reached at.
        forwarded_for: values of `X-Forwarded-For`, one for each header line; the others likewise.
    """

    peer: str | None
    scheme: str
    host: str | None
    local: str
    forwarded_for: Sequence[str] = ()
    forwarded_proto: Sequence[str] = ()
    forwarded_host: Sequence[str] = ()
    forwarded_port: Sequence[str] = ()
    forwarded_prefix: Sequence[str] = ()


class BaseUrls:
    """The base of the gateway's URLs, without a trailing slash. `server.trusted_proxies` has been checked."""

    def __init__(self, settings: ServerSettings) -> None:
        self._public_url = settings.public_url.rstrip("/") if settings.public_url is not None else None
        self._trusted = tuple(ip_network(network, strict=False) for network in settings.trusted_proxies)

    def base(self, arrival: Arrival) -> str:
        """Return `server.public_url`, else what trusted proxies say, else what the request itself says."""
        if self._public_url is not None:
            return self._public_url
        host = _host(arrival.host or "") or arrival.local
        hops = self._trusted_hops(arrival)
        if hops == 0:
            return f"{arrival.scheme}://{host}"
        scheme = _outermost(arrival.forwarded_proto, hops).lower()
        if scheme not in _DEFAULT_PORTS:
            scheme = arrival.scheme
        host = _host(_outermost(arrival.forwarded_host, hops)) or host
        host = _with_port(host, _outermost(arrival.forwarded_port, hops), scheme)
        return f"{scheme}://{host}{_prefix(_outermost(arrival.forwarded_prefix, hops))}"

    def _trusted_hops(self, arrival: Arrival) -> int:
        """Count the trusted proxies between the gateway and the first address that is none, from the right."""
        hops = 0
        for address in (arrival.peer or "", *reversed(_items(arrival.forwarded_for))):
            if not self._trusts(address):
                break
            hops += 1
        return hops

    def _trusts(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A socket that listens on both families shows IPv4 peers as ::ffff:a.b.c.d.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def _items(lines: Sequence[str]) -> list[str]:
    return [item.strip() for line in lines for item in line.split(",")]


def _outermost(lines: Sequence[str], hops: int) -> str:
    """Return what the outermost trusted proxy saw; one that passes the header on unchanged leaves fewer items."""
    items = _items(lines)
    return items[-min(hops, len(items))] if items else ""


def _host(text: str) -> str | None:
    return text if _HOST.fullmatch(text) is not None else None


def _with_port(host: str, port: str, scheme: str) -> str:
    if _PORT.fullmatch(port) is None or _HAS_PORT.search(host) is not None or port == _DEFAULT_PORTS[scheme]:
        return host
    return f"{host}:{port}"


def _prefix(text: str) -> str:
    return text.rstrip("/") if len(text) <= _MAX_PREFIX and _PREFIX.fullmatch(text) is not None else ""
