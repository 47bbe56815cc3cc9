"""Plugins of no platform: what the configuration and the registry are tested with, beside the built-in ones."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

from msgspec import Meta, Struct, field

from adapters.base import (
    Batch,
    Body,
    CallContext,
    Engine,
    EnginePlugin,
    FormatPlugin,
    NativeRequest,
    NativeResponse,
    Preset,
    Receipt,
    RecordFilter,
    Settlement,
    Sink,
    SinkPlugin,
    Transport,
)
from schemas.configuration import (
    DeploymentReference,
    Doc,
    EngineSettings,
    HttpUrl,
    PositiveFloat,
    Secret,
    Settings,
    SinkSettings,
)
from schemas.deployment import Endpoint
from schemas.payload import PayloadRecord
from schemas.table import Table


class TinEndpointSettings(Settings, frozen=True, kw_only=True):
    url: HttpUrl
    key: Secret | None = None
    max_rows: Annotated[Annotated[int, Meta(ge=1)] | None, Doc("Rows.")] = None

    def __post_init__(self) -> None:
        if self.key is not None and not self.url.startswith("https:"):
            raise ValueError("A key is only sent over https.")


class TinSettings(EngineSettings, frozen=True, kw_only=True):
    """An engine that answers with nothing."""

    region: Annotated[str, Doc("Where it is.")]
    secret: Secret | None = None
    limit: Annotated[PositiveFloat | None, Doc("A limit.")] = None
    endpoints: Annotated[dict[str, TinEndpointSettings], Doc("Endpoints.")] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.region == "nowhere":
            raise ValueError("The region nowhere has no engines.")


class Tin(Struct):
    settings: TinSettings

    def configured(self) -> Sequence[Endpoint]:
        return [Endpoint(name=name) for name in self.settings.endpoints]

    async def endpoints(self) -> Sequence[Endpoint]:
        return []

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        return NativeResponse(200, request.body, request.content_type)


@asynccontextmanager
async def connect_tin(settings: TinSettings, transport: Transport) -> AsyncIterator[Engine]:
    yield Tin(settings)


class PailSettings(SinkSettings, frozen=True, kw_only=True):
    """A sink that keeps nothing."""

    data_sets: Annotated[dict[DeploymentReference, str], Doc("Data sets by deployment.")] = field(default_factory=dict)
    token: Secret | None = None


class Pail(Struct):
    filter: RecordFilter = RecordFilter()

    def partition(self, record: PayloadRecord) -> str:
        return "pail"

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        return Receipt()

    async def settle(self, receipt: Receipt, *, deadline: float) -> Settlement:
        return Settlement(state="stored")


@asynccontextmanager
async def connect_pail(settings: PailSettings, transport: Transport) -> AsyncIterator[Sink]:
    yield Pail()


class PlainSettings(Settings, frozen=True, kw_only=True):
    """Text, as it is."""

    header: Annotated[bool, Doc("With a line of names.")] = False
    width: Annotated[int, Doc("Cells in a row.", ge=1)] = 1
    fields: Annotated[tuple[str, ...] | None, Doc("Names.")] = None


class PlainFormat(Struct):
    settings: PlainSettings
    media_type: str = "text/plain"

    def encode(self, table: Table) -> Body:
        return Body(b"", self.media_type)

    def decode(self, body: Body, n_rows: int | None) -> Table:
        return Table(("prediction",), [])


def build_plain(settings: PlainSettings) -> PlainFormat:
    if settings.fields is not None and len(settings.fields) != settings.width:
        raise ValueError("`fields` must be as many as `width`.")
    return PlainFormat(settings)


class OtherSettings(Settings, frozen=True, kw_only=True):
    depth: Annotated[int, Doc("How deep.")] = 3


class OtherFormat(PlainFormat):
    pass


engine = EnginePlugin(kind="tin", settings=TinSettings, connect=connect_tin)
sink = SinkPlugin(kind="pail", settings=PailSettings, connect=connect_pail)
plain = FormatPlugin(kind="plain", settings=PlainSettings, build=build_plain)
other = FormatPlugin(kind="other", settings=OtherSettings, build=lambda _: OtherFormat(PlainSettings(), "x/other"))
presets = (
    Preset(name="tin-text", request={"format": "plain", "header": True, "width": 2}, response={"format": "plain"}),
    Preset(name="tin-open", request={"format": "plain", "fields": ["a", "b"]}, response={"format": "plain"}),
    Preset(name="tin-lost", request={"format": "gone"}, response={"format": "plain"}),
)
old_engine = EnginePlugin(kind="old", settings=TinSettings, connect=connect_tin, api_version=0)
misfit = "not a plugin"


class Unprintable(Struct):
    anything: object


class StrangeSettings(EngineSettings, frozen=True, kw_only=True):
    table: Annotated[frozenset[Unprintable] | set[Unprintable], Doc("No JSON Schema can say this.")] = frozenset()


strange_engine = EnginePlugin(kind="strange", settings=StrangeSettings, connect=connect_tin)
not_settings = EnginePlugin(kind="loose", settings=OtherSettings, connect=connect_tin)  # type: ignore[arg-type]
