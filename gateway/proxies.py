"""The proxies that the environment names for outgoing requests: HTTPS_PROXY, HTTP_PROXY, NO_PROXY, in capitals or not.

They mean what they mean to the cloud SDKs, which read them by the same functions of the standard library: discovery
and scoring go the same way.
"""

from ipaddress import ip_address
from urllib.request import getproxies_environment, proxy_bypass

from yarl import URL

_SCHEMES = frozenset({"http", "https"})


def proxy_for(target: URL) -> URL | None:
    """Return the proxy through which a URL is reached; None where it is reached directly, as this machine always is.

    Raises:
        ValueError: the environment names something else than an HTTP proxy; the sentence does not show it, since it may
            hold a password.
    """
    named = getproxies_environment().get(target.scheme)
    host = target.host
    if named is None or host is None or _is_this_machine(host) or proxy_bypass(f"{host}:{target.port}"):
        return None
    try:
        proxy = URL(named if "://" in named else f"http://{named}")
    except ValueError:
        proxy = URL()
    if proxy.scheme not in _SCHEMES or not proxy.host:
        raise ValueError(f"{target.scheme.upper()}_PROXY is not the URL of an HTTP proxy")
    return proxy


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
