"""What the engine keeps in `Endpoint.native`: all that another process needs to call the model."""

from urllib.parse import quote

from msgspec import Struct, field

from adapters.base.native import NativeDetails


class TensorMetadata(Struct, frozen=True, kw_only=True):
    """A tensor, as metadata describes it; -1 in a shape means any length."""

    name: str
    datatype: str = ""
    shape: list[int] = []


class Native(NativeDetails, frozen=True, kw_only=True, omit_defaults=True):
    """Which model to call.

    Attributes:
        model: its name at the server.
        version: None: the server chooses.
        inputs: the tensors it takes, as far as its metadata was read.
    """

    model: str
    version: str | None = None
    inputs: list[TensorMetadata] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Path of the model below the base of the server; metadata is there, `/infer` follows it."""
        version = "" if self.version is None else f"/versions/{quote(self.version, safe='')}"
        return f"/v2/models/{quote(self.model, safe='')}{version}"
