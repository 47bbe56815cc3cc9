"""The configuration of another custom engine."""

from typing import Annotated

from msgspec import Meta, field

from adapters.base.http_access import HttpCredentials, check_access, check_base_url
from adapters.base.limits import LimitSettings
from schemas.configuration import Doc, EngineSettings, HttpUrl, Secret, Settings

ScoringUrl = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^/?#\s]+[^#\s]*$",
        extra_json_schema={"x-expected": "a URL that begins with http:// or https://"},
    ),
]


class CustomEndpointSettings(Settings, frozen=True, kw_only=True):
    """One deployment of the other engine, by its id there."""

    url: Annotated[
        ScoringUrl | None,
        Doc("Scoring URL; null: the listed one, else that of the contract, below the engine's `url`."),
    ] = None
    limits: Annotated[LimitSettings, Doc("What one native request may hold.")] = LimitSettings()

    def __post_init__(self) -> None:
        """Refuse a URL with credentials in it."""
        if self.url is not None:
            check_base_url("url", self.url)


class CustomSettings(EngineSettings, frozen=True, kw_only=True):
    """Where the other engine is, and who calls it."""

    url: Annotated[HttpUrl, Doc("Base of the engine: what stands before `/v1/deployments`.")]
    credentials: Annotated[HttpCredentials | None, Doc("Basic authentication, or a bearer token; null: neither.")] = (
        None
    )
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
        """Refuse what can't be sent."""
        check_base_url("url", self.url, without="/v1")
        check_access(self.credentials, self.headers)

    @property
    def base_url(self) -> str:
        """Base of the engine, without a slash at its end."""
        return self.url.rstrip("/")
