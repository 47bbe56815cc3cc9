"""The configuration of a Watson Machine Learning engine."""

from typing import Annotated

from msgspec import Meta, field

from adapters.base.http_access import check_base_url
from adapters.base.limits import LimitSettings
from adapters.tokens import check_ibm_credentials
from adapters.tokens.ibm import ApikeyOption, IdentityUrlOption, PasswordOption, TokenUrlOption, UsernameOption
from schemas.configuration import Doc, EngineSettings, HttpUrl, Settings

VERSION = "2020-09-01"

Id = Annotated[str, Meta(min_length=1)]
VersionDate = Annotated[
    str,
    Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", extra_json_schema={"x-expected": "a date such as 2020-09-01"}),
]


class WatsonMlEndpointSettings(Settings, frozen=True, kw_only=True):
    """One deployment, under a name of one's own or its id."""

    id: Annotated[Id | None, Doc("Id of the deployment, or its serving name; null: the entry's own name.")] = None
    limits: Annotated[LimitSettings, Doc("What one native request may hold.")] = LimitSettings()


class WatsonMlSettings(EngineSettings, frozen=True, kw_only=True):
    """One instance on IBM Cloud, or the service of one cluster."""

    url: Annotated[
        HttpUrl, Doc("Base of the service: https://us-south.ml.cloud.ibm.com for a region, or the cluster's.")
    ]
    apikey: ApikeyOption = None
    username: UsernameOption = None
    password: PasswordOption = None
    token_url: TokenUrlOption = None
    identity_url: IdentityUrlOption = None
    spaces: Annotated[tuple[Id, ...], Doc("Ids of the deployment spaces to list; needed for discovery.")] = ()
    version: Annotated[VersionDate, Doc("Version of the API, a date.")] = VERSION
    endpoints: Annotated[
        dict[str, WatsonMlEndpointSettings],
        Doc("Deployments known without discovery, and names and details of discovered ones."),
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse credentials that contradict each other or go in clear text, and a discovery without spaces."""
        check_base_url("url", self.url, without="/ml/v4")
        check_ibm_credentials(self)
        if self.discover is not False and not self.spaces:
            raise ValueError("Discovery needs `spaces`: name one or more, or set `discover: false`.")

    @property
    def deployments_url(self) -> str:
        """Of the collection of deployments."""
        return f"{self.url.rstrip('/')}/ml/v4/deployments"
