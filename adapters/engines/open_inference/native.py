"""What the engine keeps in `Endpoint.native`: all that another process needs to call the model."""

from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from schemas.deployment import Endpoint
from schemas.errors import EngineEndpointNotFoundError


class TensorMetadata(Struct, frozen=True, kw_only=True):
    """A tensor, as metadata describes it; -1 in a shape means any length."""

    name: str
    datatype: str = ""
    shape: list[int] = []


class Native(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which model to call.

    Attributes:
        model: its name at the server.
        version: None: the server chooses.
        inputs: the tensors it takes, as far as its metadata was read.
    """

    model: str
    version: str | None = None
    inputs: list[TensorMetadata] = []

    @property
    def path(self) -> str:
        """Path of the model below the base of the server; metadata is there, `/infer` follows it."""
        version = "" if self.version is None else f"/versions/{quote(self.version, safe='')}"
        return f"/v2/models/{quote(self.model, safe='')}{version}"

    def as_json(self) -> dict[str, Any]:
        """Return what `Endpoint.native` holds."""
        members: dict[str, Any] = msgspec.to_builtins(self)
        return members


def native_of(endpoint: Endpoint) -> Native:
    """Read `endpoint.native`.

    Raises:
        EngineEndpointNotFoundError: it is not what this engine writes (another release persisted it).
    """
    try:
        return msgspec.convert(endpoint.native, Native)
    except msgspec.ValidationError as error:
        raise EngineEndpointNotFoundError(
            f"Open Inference model {endpoint.name} was discovered by another release: it is known again after the next "
            "discovery."
        ) from error
