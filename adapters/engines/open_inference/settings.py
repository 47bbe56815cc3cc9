"""The configuration of a server of the Open Inference Protocol."""

from typing import Annotated, Literal

from msgspec import Meta, field

from adapters.base.http_access import HttpCredentials, check_access, check_base_url
from adapters.base.limits import LimitSettings
from schemas.configuration import Doc, EngineSettings, HttpUrl, Secret, Settings

Name = Annotated[str, Meta(min_length=1)]


class OpenInferenceEndpointSettings(Settings, frozen=True, kw_only=True):
    """One model, by the name that `deployments` use."""

    model: Annotated[Name | None, Doc("Name at the server, where the entry's own name is another.")] = None
    version: Annotated[Name | None, Doc("Version of the model; null: the server chooses.")] = None
    limits: Annotated[LimitSettings, Doc("What one native request may hold.")] = LimitSettings()


class OpenInferenceSettings(EngineSettings, frozen=True, kw_only=True):
    """Where the server is, and who calls it."""

    url: Annotated[HttpUrl, Doc("Base of the server: what stands before `/v2`.")]
    listing: Annotated[
        Literal["auto", "repository_index", "models", "configured"],
        Doc(
            "How models are found. repository_index: POST /v2/repository/index (Triton, MLServer); models: GET "
            "/v2/models (KServe's Python servers); configured: those of `endpoints`; auto: whichever the server has."
        ),
    ] = "auto"
    credentials: Annotated[HttpCredentials | None, Doc("Basic authentication or a bearer token; null: neither.")] = None
    headers: Annotated[dict[str, Secret], Doc("Headers for each request, such as an API key.")] = field(
        default_factory=dict
    )
    endpoints: Annotated[
        dict[str, OpenInferenceEndpointSettings],
        Doc("Models known without a list, and details of listed ones. With discovery their metadata is asked for."),
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what can't be sent, and a discovery that finds nothing."""
        check_base_url("url", self.url, without="/v2")
        check_access(self.credentials, self.headers)
        if self.discover is not False and self.listing == "configured" and not self.endpoints:
            raise ValueError("`listing: configured` needs the models under `endpoints`.")

    @property
    def base_url(self) -> str:
        """Base of the server, without a slash at its end."""
        return self.url.rstrip("/")
