"""The configuration of another custom engine."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, field

from adapters.base.limits import LimitSettings
from schemas.configuration import Doc, EngineSettings, HttpUrl, Secret, Settings

ScoringUrl = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^/?#\s]+[^#\s]*$",
        extra_json_schema={"x-expected": "a URL that begins with http:// or https://"},
    ),
]

OWN_HEADERS = frozenset(
    {"accept", "connection", "content-length", "content-type", "host", "transfer-encoding", "x-global-transaction-id"}
)
"""Headers that the engine or the transport sets itself."""


class CustomEndpointSettings(Settings, frozen=True, kw_only=True):
    """One deployment of the other engine, by its id there."""

    url: Annotated[
        ScoringUrl | None, Doc("Scoring URL; null: the listed one, else `<url>/v1/deployments/<id>/online`.")
    ] = None
    limits: Annotated[LimitSettings, Doc("What one native request may hold.")] = LimitSettings()

    def __post_init__(self) -> None:
        """Refuse a URL with credentials in it."""
        if self.url is not None:
            _check_url("url", self.url)


class CustomSettings(EngineSettings, frozen=True, kw_only=True):
    """Where the other engine is, and who calls it."""

    url: Annotated[HttpUrl, Doc("Base of the engine: what stands before `/v1/deployments`.")]
    username: Annotated[str | None, Doc("User of Basic authentication; null: none.")] = None
    password: Annotated[Secret | None, Doc("Password of `username`.")] = None
    headers: Annotated[dict[str, Secret], Doc("Headers for each request, such as an API key.")] = field(
        default_factory=dict
    )
    trusted_hosts: Annotated[
        tuple[str, ...],
        Doc(
            "Hosts (with their port, if it is not the default one) that get credentials and headers, too, where the "
            "engine lists scoring URLs that are not on the host of `url`."
        ),
    ] = ()
    endpoints: Annotated[
        dict[str, CustomEndpointSettings],
        Doc("Deployments known without discovery, and details of discovered ones, by their id there."),
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse half a credential, and headers that can't be sent."""
        _check_url("url", self.url)
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` go together: give both, or none.")
        if self.username is not None and ":" in self.username:
            raise ValueError("`username` has a colon: Basic authentication can't carry it.")
        names = [name.lower() for name in self.headers]
        if len(set(names)) < len(names):
            raise ValueError("A header of `headers` stands twice, in another case.")
        for name, value in self.headers.items():
            _check_header(name, value)
        if self.username is not None and "authorization" in names:
            raise ValueError("`headers.Authorization` and `username` exclude each other.")

    @property
    def base_url(self) -> str:
        """Base of the engine, without a slash at its end."""
        return self.url.rstrip("/")


def sendable(name: str, value: str) -> bool:
    """Whether HTTP can carry this header (RFC 9110, 5.1 and 5.5; nothing but ASCII)."""
    return re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) is not None and (
        re.fullmatch(r"[!-~]([ -~]*[!-~])?", value) is not None
    )


def _check_header(name: str, value: str) -> None:
    if not sendable(name, value):
        raise ValueError(f"`headers.{name}` can't be sent: blanks around it, line ends or letters outside of ASCII.")
    if name.lower() in OWN_HEADERS:
        raise ValueError(f"`headers.{name}` is set by the gateway: remove it.")


def _check_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ValueError(f"`{name}` holds credentials: move them to `username` and `password`.")
    try:
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"`{name}` names no host, or a port that can't be one.")
