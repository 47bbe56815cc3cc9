"""What the configuration of the sink says."""

from typing import Annotated, Literal

from msgspec import Meta, field

from adapters.base import RecordFilter
from adapters.base.http_access import check_base_url
from adapters.tokens import check_ibm_credentials
from adapters.tokens.ibm import ApikeyOption, IdentityUrlOption, PasswordOption, TokenUrlOption, UsernameOption
from schemas.configuration import DeploymentReference, Doc, HttpUrl, Settings, SinkSettings

# A cluster's only data mart, where nothing else is said (`client_4_icp.py` of IBM's SDK `ibm_ai_openscale` 2.2.1).
CLUSTER_DATA_MART = "00000000-0000-0000-0000-000000000000"

Id = Annotated[str, Meta(min_length=1)]


class Subscription(Settings, frozen=True, kw_only=True):
    """How API v1 calls a deployment."""

    binding_id: Annotated[Id, Doc("Service binding: the gateway as a machine learning provider.")]
    subscription_id: Annotated[Id, Doc("Subscription of the monitored asset.")]
    deployment_id: Annotated[
        Id | None,
        Doc("Deployment, as the subscription calls it; null: the public id, which discovery hands out."),
    ] = None


class OpenScaleSettings(SinkSettings, frozen=True, kw_only=True):
    """Where OpenScale is, who calls it, and where it keeps the records of which deployment."""

    url: Annotated[
        HttpUrl,
        Doc(
            "Base of the service. v2: https://api.aiopenscale.cloud.ibm.com/openscale/<instance id>, or the "
            "cluster's; v1: without /openscale and instance id."
        ),
    ]
    api: Annotated[Literal["v2", "v1"], Doc("Version of OpenScale's API.")] = "v2"
    data_sets: Annotated[
        dict[DeploymentReference, Id],
        Doc("v2: payload data sets by public id of the deployment; records of other deployments are not sent."),
    ] = field(default_factory=dict)
    data_mart_id: Annotated[
        Id | None,
        Doc("v1: id of the data mart (IBM Cloud: of the service instance). Default with `username`: a cluster's own."),
    ] = None
    subscriptions: Annotated[
        dict[DeploymentReference, Subscription],
        Doc("v1: subscriptions by public id of the deployment; records of other deployments are not sent."),
    ] = field(default_factory=dict)
    confirm: Annotated[
        Literal["stored", "accepted"],
        Doc(
            "v1: when a record counts as delivered. stored: its rows have been read back; accepted: OpenScale has "
            "taken it, whatever becomes of it."
        ),
    ] = "stored"
    stored_within_seconds: Annotated[
        float,
        Doc("v1: how long rows may take to appear, before their records are sent again.", gt=0, le=240),
    ] = 120
    apikey: ApikeyOption = None
    username: UsernameOption = None
    password: PasswordOption = None
    token_url: TokenUrlOption = None
    identity_url: IdentityUrlOption = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself, and credentials in clear text.

        Raises:
            ValueError: with a sentence that says what is needed.
        """
        check_base_url("url", self.url, without=f"/{self.api}")
        check_ibm_credentials(self)
        if self.api == "v2":
            self._check_v2()
        else:
            self._check_v1()

    @property
    def owed(self) -> RecordFilter:
        """Scored calls of applications: a record needs a response, and OpenScale's own calls are none."""
        return RecordFilter(
            deployments=frozenset(self.data_sets or self.subscriptions),
            outcomes=frozenset({"scored"}),
            origins=frozenset({"application"}),
        )

    def _check_v2(self) -> None:
        if not self.data_sets or self.subscriptions or self.data_mart_id is not None:
            raise ValueError("API v2 needs `data_sets`; `subscriptions` and `data_mart_id` belong to `api: v1`.")
        if self.confirm != "stored":
            raise ValueError("`confirm` belongs to `api: v1`: API v2 says whether records are stored.")

    def _check_v1(self) -> None:
        if not self.subscriptions or self.data_sets:
            raise ValueError("API v1 needs `subscriptions`; `data_sets` belong to `api: v2`.")
        if self.data_mart_id is None and self.username is None:
            raise ValueError("API v1 on IBM Cloud needs `data_mart_id`, the id of the service instance.")
