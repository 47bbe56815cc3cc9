"""Credentials and headers of platforms that are reached by URL, as the configuration gives them."""

import base64
import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from schemas.configuration import Doc, Secret, Settings

OWN_HEADERS = frozenset({"accept", "connection", "content-length", "content-type", "host", "transfer-encoding"})
"""Headers that an engine or the transport sets itself."""

UserName = Annotated[
    str, Meta(pattern=r"^[^:\u0000-\u001f]+$", extra_json_schema={"x-expected": "a user name without a colon"})
]


class HttpCredentials(Settings, frozen=True, kw_only=True):
    """A user of Basic authentication, or a bearer token that somebody else renews."""

    username: Annotated[UserName | None, Doc("User of Basic authentication.")] = None
    password: Annotated[Secret | None, Doc("Password of `username`.")] = None
    token: Annotated[Secret | None, Doc("Bearer token, instead of the two others; never renewed.")] = None

    def __post_init__(self) -> None:
        """Refuse half a credential, and two of them."""
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` go together: give both, or `token`.")
        if (self.token is None) == (self.username is None):
            raise ValueError("Give either `token`, or `username` and `password`.")
        check_header_token("token", self.token)

    @property
    def authorization(self) -> str:
        """Value of the header Authorization (RFC 7617, RFC 6750)."""
        if self.token is not None:
            return f"Bearer {self.token}"
        return basic_authorization(self.username or "", self.password or "")


def basic_authorization(username: str, password: str) -> str:
    """Return the value of the header Authorization for a user (RFC 7617, in UTF-8)."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def access_headers(credentials: HttpCredentials | None, headers: Mapping[str, str]) -> dict[str, str]:
    """Return what each request to the platform carries."""
    given = dict(headers)
    if credentials is not None:
        given["Authorization"] = credentials.authorization
    return given


def check_access(credentials: HttpCredentials | None, headers: Mapping[str, str]) -> None:
    """Check headers of the configuration.

    Raises:
        ValueError: a header that HTTP can't carry, or that is set otherwise; the sentence names it, not its value.
    """
    names = [name.lower() for name in headers]
    if len(set(names)) < len(names):
        raise ValueError("A header of `headers` stands twice, in another case.")
    for name, value in headers.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or not re.fullmatch(r"[!-~]([ -~]*[!-~])?", value):
            raise ValueError(
                f"`headers.{name}` can't be sent: blanks around it, line ends or letters outside of ASCII."
            )
        if name.lower() in OWN_HEADERS:
            raise ValueError(f"`headers.{name}` is set by the gateway: remove it.")
    if credentials is not None and "authorization" in names:
        raise ValueError("`headers.Authorization` and `credentials` exclude each other.")


def is_header_token(value: str) -> bool:
    """Whether a key or token can go into a header: printable ASCII without blanks."""
    return re.fullmatch(r"[!-~]+", value) is not None


def check_header_token(name: str, value: str | None) -> None:
    """Check a key or token, by the name of its option; None is none.

    Raises:
        ValueError: no header can carry it; the sentence does not show it.
    """
    if value is not None and not is_header_token(value):
        raise ValueError(f"`{name}` has blanks, line ends or letters outside of ASCII: no header can carry it.")


def check_base_url(name: str, url: str, *, without: str | None = None) -> None:
    """Check the URL of a platform.

    Args:
        name: of the option.
        url: an `HttpUrl`, or one with a query.
        without: of a base URL, the path that the engine adds itself, as `/v2`.

    Raises:
        ValueError: it holds credentials, names no host, or already ends with that path.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ValueError(f"`{name}` holds credentials: move them to `credentials`.")
    try:
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"`{name}` names no host, or a port that can't be one.")
    if without is not None and parts.path.rstrip("/").endswith(without):
        raise ValueError(f"`{name}` is the base URL: leave out `{without}`, the engine adds it.")


def may_carry_token(url: str) -> bool:
    """Whether a token of a cloud may be sent there: over TLS, or no farther than this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def check_token_urls(**urls: str | None) -> None:
    """Check the URLs that credentials are sent to, by the names of their options; None is none.

    Raises:
        ValueError: one of them is reached in clear text, over the network.
    """
    for name, url in urls.items():
        if url is not None and not may_carry_token(url):
            raise ValueError(f"`{name}` has to be https (http is for loopback alone): credentials are sent there.")
