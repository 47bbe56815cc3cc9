"""The configuration of an Azure ML engine."""

from typing import Annotated, Literal

from msgspec import Meta, field

from adapters.base.http_access import check_header_token, check_token_urls, may_carry_token
from adapters.entra import EntraCredentials
from schemas.configuration import Doc, EngineSettings, HttpUrl, Secret, Settings

CONTROL_URL = "https://management.azure.com"
AUTHORITY_URL = "https://login.microsoftonline.com"
CONTROL_SCOPE = "https://management.azure.com/.default"
SCORING_SCOPE = "https://ml.azure.com/.default"
API_VERSION = "2025-12-01"

Text = Annotated[str, Meta(min_length=1)]
DeploymentName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9-]*$", max_length=64)]


class LimitSettings(Settings, frozen=True, kw_only=True):
    """What one native request may hold."""

    max_bytes: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Doc("Bytes of a request body; null: 1500000 for a discovered or managed endpoint, else any number."),
    ] = None
    max_rows: Annotated[Annotated[int, Meta(ge=1)] | None, Doc("Rows of a request; null: any number.")] = None
    max_parallel: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Doc("Requests under way at once when a batch is split; null: what the deployments take, at most 4."),
    ] = None


class AzureEndpointSettings(Settings, frozen=True, kw_only=True):
    """One endpoint: by its URL, or details of a discovered one, `<endpoint>` or `<endpoint>/<deployment>`."""

    url: Annotated[HttpUrl | None, Doc("Scoring URL; null: details of the discovered endpoint of this name.")] = None
    key: Annotated[Secret | None, Doc("Key; null: that of a discovered endpoint is fetched.")] = None
    auth: Annotated[
        Literal["key", "token", "none"] | None,
        Doc("What an endpoint by URL wants. token: an Entra token; null: `key` where there is one, else none."),
    ] = None
    deployment: Annotated[
        DeploymentName | None, Doc("Deployment of the endpoint to call; null: Azure splits the traffic.")
    ] = None
    limits: Annotated[LimitSettings, Doc("What one native request may hold.")] = LimitSettings()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.auth == "key" and self.key is None:
            raise ValueError("`auth: key` needs `key`.")
        if self.auth in ("token", "none") and self.key is not None:
            raise ValueError(f"`auth: {self.auth}` takes no `key`: remove one of them.")
        if self.auth is not None and self.url is None:
            raise ValueError("`auth` goes with `url`: a discovered endpoint says itself what it wants.")
        if self.auth == "token" and self.url is not None and not may_carry_token(self.url):
            raise ValueError("`url` has to be https where a token is sent.")
        check_header_token("key", self.key)


class AzureSettings(EngineSettings, frozen=True, kw_only=True):
    """One workspace, or endpoints by URL alone."""

    subscription_id: Annotated[Text | None, Doc("Subscription; needed for discovery.")] = None
    resource_group: Annotated[Text | None, Doc("Resource group; needed for discovery.")] = None
    workspace: Annotated[Text | None, Doc("Workspace; needed for discovery.")] = None
    control_url: Annotated[
        HttpUrl | None,
        Doc(f"Azure Resource Manager: of a sovereign cloud, a private link, an emulator; null: {CONTROL_URL}."),
    ] = None
    control_scope: Annotated[str, Doc("Scope of the tokens for Azure Resource Manager.")] = CONTROL_SCOPE
    api_version: Annotated[str, Doc("Version of the API of Azure Resource Manager.", pattern=r"^[A-Za-z0-9.-]+$")] = (
        API_VERSION
    )
    list_by: Annotated[
        Literal["endpoint", "deployment"],
        Doc(
            "What discovery makes an endpoint of: an online endpoint, whose traffic Azure splits, or each of its "
            "deployments, as `credit/blue`."
        ),
    ] = "endpoint"
    authority_url: Annotated[HttpUrl, Doc("Entra: where tokens are issued.")] = AUTHORITY_URL
    scoring_scope: Annotated[str, Doc("Scope of the tokens for endpoints that take Entra tokens.")] = SCORING_SCOPE
    credentials: Annotated[
        EntraCredentials | None,
        Doc("Application or token; null: the Azure chain (environment, workload and managed identity, Azure CLI)."),
    ] = None
    endpoints: Annotated[
        dict[str, AzureEndpointSettings],
        Doc("Endpoints known without discovery, and details of discovered ones."),
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a discovery without its workspace, endpoints that nothing reaches, and tokens in clear text."""
        by_name = sorted(name for name, endpoint in self.endpoints.items() if endpoint.url is None)
        if self.discover is False and by_name:
            raise ValueError(f"With `discover: false` each endpoint needs `url`: {', '.join(by_name)}.")
        if self.discover is not False and (by_name or not self.endpoints or self.has_workspace):
            self._check_workspace()
        for name in by_name:
            if "/" in name and self.endpoints[name].deployment is not None:
                raise ValueError(f"`endpoints.{name}` names its deployment already: remove `deployment`.")
        check_token_urls(control_url=self.base_url, authority_url=self.authority_url)

    @property
    def base_url(self) -> str:
        """Of Azure Resource Manager, without a slash at its end."""
        return (self.control_url or CONTROL_URL).rstrip("/")

    @property
    def has_workspace(self) -> bool:
        """Whether a workspace is meant, so that there are more endpoints than those by URL."""
        return (self.subscription_id, self.resource_group, self.workspace) != (None, None, None)

    def _check_workspace(self) -> None:
        parts = {
            "subscription_id": self.subscription_id,
            "resource_group": self.resource_group,
            "workspace": self.workspace,
        }
        missing = [name for name, value in parts.items() if value is None]
        if missing:
            raise ValueError(
                f"Discovery needs {', '.join(missing)}: set what is missing, or `discover: false` and a `url` for "
                "each endpoint."
            )
