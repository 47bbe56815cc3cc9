"""The skeleton of the configuration: every section that no plugin owns.

Each option stands here once, with its type, default, unit and meaning; the JSON Schema that the file is validated
against is composed from these structs and the plugins' own (`openscale-gateway schema` prints it).
"""

from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from schemas.caller import Origin, Role
from schemas.payload import Outcome
from schemas.table import Cell


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the configuration. Unknown keys are errors, and `repr` shows no value: it may be a secret."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


def Doc(description: str, **constraints: Any) -> Any:  # noqa: N802 - reads as the annotation that it makes
    """Describe an option for the JSON Schema and the reference page."""
    return Meta(description=description, **constraints)


PositiveFloat = Annotated[float, Meta(gt=0)]
Secret = Annotated[str, Meta(min_length=1, extra_json_schema={"writeOnly": True, "format": "password"})]
"""A value that must not be shown."""
HttpUrl = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^/?#\s]+[^?#\s]*$",
        extra_json_schema={"x-expected": "a URL that begins with http:// or https://, without query and fragment"},
    ),
]
PublicId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9-]+$",
        max_length=128,
        extra_json_schema={"x-expected": "letters, digits and dashes, at most 128"},
    ),
]
"""Also the name of an engine: it stands in URLs, and in the ids of the endpoints that it discovers."""
SinkName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_.-]+$",
        max_length=128,
        extra_json_schema={"x-expected": "letters, digits, dashes, dots and underscores, at most 128"},
    ),
]
ClientName = Annotated[
    str,
    Meta(
        pattern=r"^[^:\u0000-\u001f]+$",
        extra_json_schema={"x-expected": "a user name of Basic authentication: not empty, and without a colon"},
    ),
]
EngineReference = Annotated[str, Meta(extra_json_schema={"x-refers-to": "engines"})]
DeploymentReference = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9-]+$",
        max_length=128,
        extra_json_schema={"x-refers-to": "deployments"},
    ),
]
"""A public id that has to be known: an entry of `deployments`, or a generated one. `EngineReference` is alike."""


class TlsSettings(Settings, frozen=True, kw_only=True):
    """TLS of the gateway's own socket."""

    cert: Annotated[str, Doc("Path of the certificate chain, PEM.")]
    key: Annotated[str, Doc("Path of the private key, PEM.")]
    client_ca: Annotated[str | None, Doc("Path of the CA that client certificates must come from, PEM.")] = None


class ServerSettings(Settings, frozen=True, kw_only=True):
    """The gateway's own HTTP server."""

    host: Annotated[str, Doc("Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Doc("Port to listen on; 0 takes a free one.", ge=0, le=65535)] = 8080
    workers: Annotated[int, Doc("Serving processes.", ge=1, le=64)] = 1
    public_url: Annotated[
        HttpUrl | None,
        Doc("Base of the URLs that discovery hands out, where a proxy hides the server's own."),
    ] = None
    max_body_mb: Annotated[float, Doc("Largest request body, in MB (10^6 bytes); beyond it 413.", gt=0)] = 64
    max_in_flight_mb: Annotated[
        float, Doc("Bodies in flight per process, in MB; beyond it 429 with Retry-After.", gt=0)
    ] = 512
    drain_seconds: Annotated[
        float,
        Doc("How long calls in flight may go on after SIGTERM before they are cancelled (and recorded).", gt=0),
    ] = 75
    tls: Annotated[TlsSettings | None, Doc("TLS; null: plain HTTP.")] = None
    trusted_proxies: Annotated[tuple[str, ...], Doc("Networks (CIDR) whose X-Forwarded-* headers are believed.")] = ()
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Doc("Least level that is logged; debug shows every call.")
    ] = "info"
    public_operations: Annotated[
        bool, Doc("Serve /metrics, /docs and /openapi.json to anybody, whatever `auth` says.")
    ] = False


class ClientSettings(Settings, frozen=True, kw_only=True):
    """One client and its credential."""

    role: Annotated[Role, Doc("application: logged; monitor: OpenScale itself, not logged; operator: operations.")]
    password: Annotated[Secret | None, Doc("Password in clear text: take it from the environment.")] = None
    password_hash: Annotated[
        Secret | None,
        Doc("Instead of `password`: $argon2id$..., or $scrypt$ln=..,r=..,p=..$salt$hash (PHC)."),
    ] = None


class AuthSettings(Settings, frozen=True, kw_only=True):
    """Who may call."""

    mode: Annotated[Literal["basic", "none"], Doc("basic: a client of `clients`; none: anybody.")] = "basic"
    open_operator_routes: Annotated[
        bool, Doc("With `none`: let anybody read payload records. Not looked at with `basic`.")
    ] = False
    clients: Annotated[dict[ClientName, ClientSettings], Doc("Clients by user name.")] = field(default_factory=dict)


class DiscoverySettings(Settings, frozen=True, kw_only=True):
    """Which endpoints of an engine become deployments, and how often it is asked."""

    include: Annotated[tuple[str, ...], Doc("Patterns (*, ?) of endpoint names.")] = ("*",)
    exclude: Annotated[tuple[str, ...], Doc("Patterns of endpoint names to leave out.")] = ()
    refresh_seconds: Annotated[float, Doc("Seconds from one discovery to the next.", ge=1)] = 60


class InputSettings(Settings, frozen=True, kw_only=True):
    """From the caller's columns to the endpoint's."""

    fields: Annotated[
        tuple[str, ...] | None,
        Doc("The endpoint's columns, in its order; a caller's values are matched by name. null: as sent."),
    ] = None
    unknown: Annotated[
        Literal["ignore", "refuse"], Doc("Columns that the endpoint doesn't take; they stay in the record.")
    ] = "ignore"
    defaults: Annotated[
        dict[str, Cell],
        Doc(
            "Values for columns that a caller left out; without one a missing column is refused. They need `fields` "
            "where requests don't name their columns."
        ),
    ] = field(default_factory=dict)
    constants: Annotated[dict[str, Cell], Doc("Columns that the endpoint wants and callers never send.")] = field(
        default_factory=dict
    )


class OutputSettings(Settings, frozen=True, kw_only=True):
    """From the endpoint's columns to `prediction` and `probability`."""

    prediction: Annotated[
        str | None, Doc("Native field that is answered as `prediction`; null: fields pass as they are.")
    ] = None
    prediction_is: Annotated[
        Literal["label", "index"],
        Doc("label: the value is the label; index: it counts into `labels`, from 0."),
    ] = "label"
    probability: Annotated[
        str | tuple[str, ...] | None,
        Doc("Native field that is answered as `probability`, or a list of fields in the order of `labels`."),
    ] = None
    probability_of: Annotated[
        Literal["positive", "winner", "each"] | None,
        Doc(
            "What the field holds. positive, winner: one number, the probability of that label; each: an array in "
            "the order of `labels`."
        ),
    ] = None
    probability_scale: Annotated[
        Literal["probability", "logit"],
        Doc(
            "What the numbers are. logit: raw scores of a network, made probabilities by softmax, or a single one by "
            "the logistic function."
        ),
    ] = "probability"
    positive: Annotated[Cell, Doc("The label that `probability_of: positive` means; default: the last of two.")] = None
    threshold: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Doc("Makes the prediction from a single probability, where the endpoint gives none."),
    ] = None
    labels: Annotated[tuple[Cell, ...], Doc("The classes, in the order of the probability array.")] = ()
    echo_inputs: Annotated[
        bool, Doc("Repeat the input columns in the answer; needs `prediction`, or `probability` with `labels`.")
    ] = False


class LogMarkerSettings(Settings, frozen=True, kw_only=True):
    """What an application's call carries where nothing else tells it from a monitor's; never sent on."""

    header: Annotated[str | None, Doc("Name of a request header.")] = None
    value: Annotated[str | None, Doc("Value that the header must have; null: any.")] = None
    body_key: Annotated[str | None, Doc("Name of a top-level key of the body.")] = None


class DeploymentSettings(Settings, frozen=True, kw_only=True):
    """How to talk to an endpoint, and what to keep of its calls. `defaults` of an engine has the same keys."""

    name: Annotated[str | None, Doc("Display name; default: the endpoint's name.")] = None
    description: Annotated[str | None, Doc("A text for people.")] = None
    format: Annotated[str | None, Doc("A preset: sets `request` and `response` at once.")] = None
    request: Annotated[dict[str, Any] | None, Doc("What the endpoint takes: {format: <codec>, ...options}.")] = None
    response: Annotated[dict[str, Any] | None, Doc("What the endpoint answers: {format: <codec>, ...options}.")] = None
    input: Annotated[InputSettings, Doc("From the caller's columns to the endpoint's.")] = InputSettings()
    output: Annotated[OutputSettings, Doc("From the endpoint's columns to ours.")] = OutputSettings()
    problem_type: Annotated[
        Literal["binary", "multiclass", "regression"] | None,
        Doc("Published by discovery. regression: `output.prediction` is a number, also where it is written as text."),
    ] = None
    input_data_type: Annotated[
        Literal["structured", "unstructured_image", "unstructured_text"], Doc("Published by discovery.")
    ] = "structured"
    log: Annotated[
        Literal["application", "native", "all", "none"],
        Doc(
            "Whose calls leave a record. native: an application's in the endpoint's own form, which it takes and "
            "answers beside fields/values."
        ),
    ] = "application"
    log_marker: Annotated[LogMarkerSettings | None, Doc("Record only calls that carry it.")] = None
    redact: Annotated[dict[str, Literal["drop", "mask", "hash"]], Doc("Columns to keep out of the records.")] = field(
        default_factory=dict
    )
    sample: Annotated[float, Doc("Share of the calls that are recorded, chosen by scoring id.", ge=0, le=1)] = 1.0
    timeout_seconds: Annotated[
        PositiveFloat | None,
        Doc(
            "Total time for one call, retries included; default: that of the platform, by type of engine, for each "
            "request to the endpoint (a batch that is split makes several)."
        ),
    ] = None


class ConfiguredDeployment(DeploymentSettings, frozen=True, kw_only=True):
    """An entry of `deployments`."""

    engine: Annotated[EngineReference, Doc("Name of an entry of `engines`.")]
    endpoint: Annotated[str, Doc("Name of the endpoint there.")]


class EngineSettings(Settings, frozen=True, kw_only=True):
    """What the configuration of every engine has; an engine's own struct extends it.

    An engine narrows `endpoints` to a dict of its own struct.
    """

    type: Annotated[str, Doc("Kind of the engine: names the plugin.")]
    discover: Annotated[
        DiscoverySettings | bool, Doc("Which endpoints to discover; false: only those of `endpoints`.")
    ] = DiscoverySettings()
    endpoints: Annotated[dict[str, Any], Doc("Endpoints known without discovery, and details of discovered ones.")] = (
        field(default_factory=dict)
    )
    defaults: Annotated[
        DeploymentSettings | None, Doc("For discovered endpoints that `deployments` does not name.")
    ] = None

    def discovers(self, endpoint: str) -> bool:
        """Whether discovery is to find an endpoint of this name, so that no request is spent on others.

        A pattern that fits what stands before the first slash fits all that is below it: `shared` is for `shared/blue`.
        """
        if isinstance(self.discover, bool):
            return self.discover
        names = {endpoint, endpoint.partition("/")[0]}
        return _any_fits(self.discover.include, names) and not _any_fits(self.discover.exclude, names)

    def discovers_within(self, endpoint: str) -> bool:
        """Whether `discovers` may hold for parts `<endpoint>/<part>`, whose names are not known yet."""
        if isinstance(self.discover, bool):
            return self.discover
        if _any_fits(self.discover.exclude, {endpoint}):
            return False
        # A pattern fits some part where it fits the endpoint, or a beginning of it fits what all parts begin with.
        beginnings = {pattern[:end] for pattern in self.discover.include for end in range(1, len(pattern) + 1)}
        return self.discovers(endpoint) or any(fnmatchcase(f"{endpoint}/", beginning) for beginning in beginnings)


def _any_fits(patterns: tuple[str, ...], names: set[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


class BatchSettings(Settings, frozen=True, kw_only=True):
    """When a batch of records is sent: as soon as one of these is reached."""

    records: Annotated[int, Doc("Records in a batch.", ge=1)] = 100
    kb: Annotated[float, Doc("Size of a batch, in kB (10^3 bytes) of JSON.", gt=0)] = 900
    seconds: Annotated[float, Doc("Age of the oldest record in a batch, in seconds.", ge=0)] = 1.0


class SinkSettings(Settings, frozen=True, kw_only=True):
    """What the configuration of every sink has; a sink's own struct extends it."""

    type: Annotated[str, Doc("Kind of the sink: names the plugin.")]
    start: Annotated[
        Literal["now", "beginning"], Doc("Where a new sink starts: now, or at the beginning of the spool.")
    ] = "now"
    batch: Annotated[BatchSettings, Doc("When a batch is sent.")] = BatchSettings()


class SelectingSinkSettings(SinkSettings, frozen=True, kw_only=True):
    """A sink that takes any record, unless told to take some only. A record is sent where all three select it."""

    deployments: Annotated[
        Annotated[tuple[DeploymentReference, ...], Meta(min_length=1)] | None,
        Doc("Public ids of the deployments whose records are sent; null: all."),
    ] = None
    outcomes: Annotated[
        Annotated[tuple[Outcome, ...], Meta(min_length=1)] | None,
        Doc("How the calls ended whose records are sent; null: in any way."),
    ] = None
    origins: Annotated[
        Annotated[tuple[Origin, ...], Meta(min_length=1)] | None,
        Doc("Whose calls' records are sent, an application's or a monitor's; null: everybody's."),
    ] = None


class PayloadLogSettings(Settings, frozen=True, kw_only=True):
    """The spool: where records wait, on local disk, until every sink has them."""

    path: Annotated[str, Doc("SQLite file; its folder has to exist.")] = "payloads.db"
    durability: Annotated[
        Literal["commit", "async"],
        Doc("commit: the record is synced before the answer leaves; async: soon after."),
    ] = "commit"
    on_failure: Annotated[
        Literal["refuse", "answer"],
        Doc(
            "Where a record can't be kept. refuse: 503, before the engine is called where that can be known; "
            "answer: without a record, and counted."
        ),
    ] = "refuse"
    max_gb: Annotated[float, Doc("Size of the spool on disk, in GB (10^9 bytes).", gt=0)] = 10
    retain_days: Annotated[float, Doc("Days that delivered records are kept.", gt=0)] = 30
    redaction_key: Annotated[
        Secret | None, Doc("Key of the digests that `redact: hash` leaves; needed where that is used.")
    ] = None

    @property
    def max_bytes(self) -> int:
        """`max_gb` in bytes."""
        return int(self.max_gb * 1e9)

    @property
    def retain_seconds(self) -> float:
        """`retain_days` in seconds."""
        return self.retain_days * 86_400.0


class ConfigurationFile(Settings, frozen=True, kw_only=True):
    """The whole file. `engines` and `sinks` are validated against the structs of the plugins that they name."""

    server: Annotated[ServerSettings, Doc("The gateway's own HTTP server.")] = ServerSettings()
    auth: Annotated[AuthSettings, Doc("Who may call.")] = AuthSettings()
    engines: Annotated[dict[PublicId, Any], Doc("Native platforms, by name.")] = field(default_factory=dict)
    deployments: Annotated[dict[PublicId, ConfiguredDeployment], Doc("Deployments by public id.")] = field(
        default_factory=dict
    )
    payload_log: Annotated[PayloadLogSettings, Doc("The spool of payload records.")] = PayloadLogSettings()
    sinks: Annotated[dict[SinkName, Any], Doc("Destinations of the records, by name.")] = field(default_factory=dict)
