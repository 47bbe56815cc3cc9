"""Which scoring URLs are followed, in which form, and which get the engine's credentials."""

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, quote, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


class ScoringUrls:
    """The scoring URLs of one engine.

    Args:
        base_url: of the engine, without a slash at its end.
        trusted_hosts: further hosts that get credentials.
        trusted_urls: URLs of the configuration: their hosts do, too.
    """

    def __init__(self, base_url: str, trusted_hosts: Iterable[str] = (), trusted_urls: Iterable[str] = ()) -> None:
        self._base_url = base_url
        self._base = urlsplit(base_url)
        self._trusted = {host.lower() for host in trusted_hosts}
        self._trusted.update(_authority(urlsplit(url)) for url in (base_url, *trusted_urls))

    def derived(self, deployment_id: str) -> str:
        """Return the URL of the contract."""
        return f"{self._base_url}/v1/deployments/{quote(deployment_id, safe='')}/online"

    def chosen(self, listed: Iterable[str | None], deployment_id: str) -> str:
        """Return the first listed URL that can be one, else the derived one."""
        usable = (self._usable(url) for url in listed if url is not None)
        return next((url for url in usable if url is not None), self.derived(deployment_id))

    def may_carry_credentials(self, url: str) -> bool:
        """Whether the URL is on a host that the configuration names."""
        return _authority(urlsplit(url)) in self._trusted

    def _usable(self, url: str) -> str | None:
        if re.fullmatch(r"/(?!/)[!-~]*", url):
            url = f"{self._base.scheme}://{self._base.netloc}{url}"
        if re.fullmatch(r"https?://[!-~]+", url, re.IGNORECASE) is None:
            return None
        try:
            parts = urlsplit(url)
            authority = _authority(parts)
        except ValueError:
            return None
        if not parts.hostname:
            return None
        return parts._replace(scheme=self._scheme(parts, authority), netloc=authority, fragment="").geturl()

    def _scheme(self, listed: SplitResult, authority: str) -> str:
        """Correct the scheme on the engine's own host: IBM's examples list https whatever they speak."""
        if authority != _authority(self._base) or listed.scheme == self._base.scheme:
            return listed.scheme
        # A port speaks one protocol; between the default ports, encryption is not given up.
        on_default_port = self._base.port in (None, _DEFAULT_PORTS[self._base.scheme])
        return "https" if on_default_port else self._base.scheme


def _authority(url: SplitResult) -> str:
    """Return host and port, in the one form that can be compared and called."""
    host = (url.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    return host if url.port in (None, _DEFAULT_PORTS.get(url.scheme)) else f"{host}:{url.port}"
