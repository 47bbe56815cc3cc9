"""The configuration of a SageMaker engine."""

from typing import Annotated

from msgspec import Meta, field

from schemas.configuration import Doc, EngineSettings, HttpUrl, Secret, Settings

Region = Annotated[str, Meta(pattern=r"^[a-z]{2,}(-[a-z0-9]+)+$")]
Name = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$", max_length=63)]
HeaderText = Annotated[str, Meta(pattern=r"^[!-~]([ -~]*[!-~])?$", max_length=1024)]

# Partitions whose hosts don't end in amazonaws.com, by the beginning of the region's name.
_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}


class SageMakerCredentials(Settings, frozen=True, kw_only=True):
    """An access key."""

    access_key_id: Annotated[Secret, Doc("Access key id.")]
    secret_access_key: Annotated[Secret, Doc("Secret access key.")]
    session_token: Annotated[Secret | None, Doc("Session token of temporary credentials.")] = None


class LimitSettings(Settings, frozen=True, kw_only=True):
    """What one native request may hold."""

    max_bytes: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Doc("Bytes of a request body; null: 6291456, or 4194304 where a serverless endpoint was discovered."),
    ] = None
    max_rows: Annotated[Annotated[int, Meta(ge=1)] | None, Doc("Rows of a request; null: any number.")] = None
    max_parallel: Annotated[int, Doc("Requests under way at once when a batch is split.", ge=1)] = 4


class SageMakerEndpointSettings(Settings, frozen=True, kw_only=True):
    """One endpoint, by the name that `deployments` use: that of SageMaker, or `<endpoint>/<component>`."""

    endpoint: Annotated[
        Name | None,
        Doc("Name at SageMaker, where the entry's own name is another: several models behind one endpoint."),
    ] = None
    variant: Annotated[Name | None, Doc("Production variant; null: SageMaker splits the traffic.")] = None
    component: Annotated[Name | None, Doc("Inference component.")] = None
    target_model: Annotated[HeaderText | None, Doc("Artifact of a multi-model endpoint, as `credit.tar.gz`.")] = None
    container: Annotated[Name | None, Doc("Host name of a container of a multi-container endpoint.")] = None
    custom_attributes: Annotated[
        HeaderText | None, Doc("Passed on to the container, as `tfs-model-name=credit` for TensorFlow Serving.")
    ] = None
    limits: Annotated[LimitSettings, Doc("What one native request may hold.")] = LimitSettings()


class SageMakerSettings(EngineSettings, frozen=True, kw_only=True):
    """One AWS account and region."""

    region: Annotated[Region, Doc("AWS region, as `us-east-1`.")]
    endpoint_url: Annotated[
        HttpUrl | None, Doc("Runtime API: a VPC endpoint, an emulator; null: the region's own.")
    ] = None
    control_url: Annotated[HttpUrl | None, Doc("Control plane, for discovery; null: the region's own.")] = None
    credentials: Annotated[
        SageMakerCredentials | None,
        Doc("Access key; null: the AWS chain (environment, shared files, container and instance roles)."),
    ] = None
    endpoints: Annotated[
        dict[str, SageMakerEndpointSettings],
        Doc("Endpoints known without discovery, and details of discovered ones."),
    ] = field(default_factory=dict)

    @property
    def runtime_url(self) -> str:
        """Base of the runtime API, without a slash at its end."""
        if self.endpoint_url is not None:
            return self.endpoint_url.rstrip("/")
        suffix = next((host for start, host in _SUFFIXES.items() if self.region.startswith(start)), "amazonaws.com")
        return f"https://runtime.sagemaker.{self.region}.{suffix}"
