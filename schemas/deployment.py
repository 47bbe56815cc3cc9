"""Endpoints, as engines discover them, and deployments, as the gateway exposes them."""

from typing import Any

from msgspec import Struct, field

from schemas.configuration import DeploymentSettings


class Limits(Struct, frozen=True, kw_only=True):
    """What one native request may hold; None where the platform sets no such limit.

    Attributes:
        max_bytes: size of a request body, in bytes.
        max_rows: rows in a request.
        max_parallel: requests of one call that may be under way at once, when a batch has to be split.
    """

    max_bytes: int | None = None
    max_rows: int | None = None
    max_parallel: int = 4


class Asset(Struct, frozen=True, kw_only=True):
    """The model behind an endpoint. Deployments with the same `id` are grouped by OpenScale's SDKs."""

    id: str
    name: str
    url: str | None = None
    rn: str | None = None
    created_at: str | None = None
    revision: str | None = None


class Endpoint(Struct, frozen=True, kw_only=True):
    """The native thing that answers. It has no formats and no public id.

    Attributes:
        name: the platform's own name, unique within its engine.
        title: display name, where the platform has one beside it: names there are ids.
        description: a text for people.
        rn: resource name (an ARN, an ARM id).
        created_at: RFC 3339, UTC, with `Z`; `modified_at` likewise.
        asset: the model, where the platform tells.
        columns: names of the columns that the endpoint takes, in its order, where the platform tells.
        input_schema: Spark "struct" JSON of the input; `output_schema` likewise.
        request_options: options for the codec of requests, by codec, that the platform's own description gives
            (`{"tensors": {"datatypes": ...}}`); those of the configuration count more.
        native: what the engine needs to reach the endpoint, as JSON; may hold keys, so it is never shown.
        limits: of one native request.
        timeout_seconds: for one request to it, where the platform states its own.
    """

    name: str
    title: str | None = None
    description: str = ""
    rn: str | None = None
    created_at: str | None = None
    modified_at: str | None = None
    asset: Asset | None = None
    columns: tuple[str, ...] | None = None
    input_schema: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None
    request_options: dict[str, dict[str, Any]] = field(default_factory=dict)
    native: dict[str, Any] = field(default_factory=dict)
    limits: Limits = Limits()
    timeout_seconds: float | None = None

    def __repr__(self) -> str:
        return f"Endpoint(name={self.name!r})"


class Deployment(Struct, frozen=True, kw_only=True):
    """An endpoint under its public id, with the settings that say how to talk to it.

    Attributes:
        id: public id, letters, digits and dashes; it never changes by itself.
        engine: name of the engine in the configuration.
        endpoint: what answers.
        settings: formats, mapping and logging; None for a discovered endpoint that nothing configures.
    """

    id: str
    engine: str
    endpoint: Endpoint
    settings: DeploymentSettings | None

    @property
    def name(self) -> str:
        """Display name."""
        if self.settings is not None and self.settings.name is not None:
            return self.settings.name
        return self.endpoint.title or self.endpoint.name

    @property
    def takes_native(self) -> bool:
        """Whether callers may send bodies in the endpoint's own form, too."""
        return self.settings is not None and self.settings.log == "native"
