"""The configuration of an Azure ML Studio (classic) engine."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, field

from adapters.base.http_access import check_header_token, check_token_urls
from adapters.base.limits import LimitSettings
from adapters.entra import EntraCredentials
from schemas.configuration import Doc, EngineSettings, HttpUrl, Secret, Settings

CONTROL_URL = "https://management.azure.com"
AUTHORITY_URL = "https://login.microsoftonline.com"
CONTROL_SCOPE = "https://management.azure.com/.default"
API_VERSION = "2017-01-01"

Style = Literal["table", "rows"]
Text = Annotated[str, Meta(min_length=1)]
ScoringUrl = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^/?#\s]+[^#\s]*$",
        extra_json_schema={"x-expected": "a URL that begins with http:// or https://"},
    ),
]
QUERIES: dict[Style, str] = {"table": "api-version=2.0&details=true", "rows": "api-version=2.0&format=swagger"}
"""What chooses the style of a service (API help pages of services; `format` as in the samples of "New" ones).

`details` asks for the types of the columns: without them all values of an answer stay strings.
"""


class AzureStudioEndpointSettings(Settings, frozen=True, kw_only=True):
    """One web service: by its URL, or details of a discovered one."""

    url: Annotated[
        ScoringUrl | None,
        Doc(
            "Request-response URL (`.../execute`); with a query it is called as it stands, without one it gets that of "
            "`style`. null: details of the discovered service of this name."
        ),
    ] = None
    key: Annotated[Secret | None, Doc("Key; null: that of a discovered service is fetched.")] = None
    style: Annotated[Style | None, Doc("Style of requests and answers; null: the engine's.")] = None
    limits: Annotated[LimitSettings, Doc("What one native request may hold.")] = LimitSettings()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself, or can't be sent."""
        if self.url is not None and "@" in urlsplit(self.url).netloc:
            raise ValueError("`url` holds credentials: services take a `key`.")
        if self.url is not None and "?" in self.url and self.style is not None:
            raise ValueError("`url` has a query, which chooses the style: remove the query, or `style`.")
        check_header_token("key", self.key)


class AzureStudioSettings(EngineSettings, frozen=True, kw_only=True):
    """One subscription, or web services by URL alone."""

    subscription_id: Annotated[Text | None, Doc("Subscription; needed for discovery.")] = None
    resource_group: Annotated[Text | None, Doc("Resource group; null: all of the subscription.")] = None
    control_url: Annotated[
        HttpUrl | None, Doc(f"Azure Resource Manager: of a sovereign cloud, an emulator; null: {CONTROL_URL}.")
    ] = None
    control_scope: Annotated[str, Doc("Scope of the tokens for Azure Resource Manager.")] = CONTROL_SCOPE
    api_version: Annotated[str, Doc("API version of Microsoft.MachineLearning/webServices.")] = API_VERSION
    authority_url: Annotated[HttpUrl, Doc("Entra: where tokens are issued.")] = AUTHORITY_URL
    credentials: Annotated[EntraCredentials | None, Doc("Application or token; needed for discovery.")] = None
    style: Annotated[
        Style, Doc("Style of requests and answers. table: column names and rows apart; rows: an object for each row.")
    ] = "table"
    endpoints: Annotated[
        dict[str, AzureStudioEndpointSettings],
        Doc(
            "Web services known without discovery, and details of discovered ones, which without `resource_group` are "
            "named by group and name, as `loans/credit`."
        ),
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a discovery without what it needs, services that nothing reaches, and tokens in clear text."""
        if self.discover is False:
            unreachable = sorted(name for name, endpoint in self.endpoints.items() if endpoint.url is None)
            if unreachable:
                raise ValueError(f"With `discover: false` each endpoint needs `url`: {', '.join(unreachable)}.")
            return
        parts = {"subscription_id": self.subscription_id, "credentials": self.credentials}
        missing = [name for name, value in parts.items() if value is None]
        if missing:
            raise ValueError(
                f"Discovery needs {', '.join(missing)}: set what is missing, or `discover: false` and a `url` for each "
                "endpoint."
            )
        self._check_names()
        check_token_urls(control_url=self.base_url, authority_url=self.authority_url)

    def _check_names(self) -> None:
        """Refuse details of services that discovery names otherwise."""
        grouped = self.resource_group is None
        discovered = [name for name, entry in self.endpoints.items() if entry.url is None]
        strange = sorted(name for name in discovered if ("/" in name) != grouped)
        if strange:
            form = "`<group>/<name>` without `resource_group`" if grouped else "`<name>` with `resource_group`"
            raise ValueError(f"Discovered services are named {form}: rename {', '.join(strange)}, or give a `url`.")

    @property
    def base_url(self) -> str:
        """Of Azure Resource Manager, without a slash at its end."""
        return (self.control_url or CONTROL_URL).rstrip("/")

    def style_of(self, endpoint: AzureStudioEndpointSettings) -> Style:
        """Return the style of a web service."""
        return endpoint.style or self.style


def scoring_url(url: str, style: Style) -> str:
    """Return the URL of a service with the query that it needs."""
    return url if "?" in url else f"{url}?{QUERIES[style]}"
