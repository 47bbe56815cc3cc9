"""What engines keep in `Endpoint.native`: all that another process needs to call the endpoint, and its keys."""

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from schemas.deployment import Endpoint
from schemas.errors import EngineEndpointNotFoundError

Form = TypeVar("Form", bound="NativeDetails")


class NativeDetails(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of an engine's own struct."""

    def __repr__(self) -> str:
        # It may hold a key.
        return f"{type(self).__name__}()"

    def as_json(self) -> dict[str, Any]:
        """Return what `Endpoint.native` holds."""
        members: dict[str, Any] = msgspec.to_builtins(self)
        return members


def read_native(endpoint: Endpoint, form: type[Form], what: str) -> Form:
    """Read `endpoint.native`.

    Args:
        endpoint: as it was discovered, perhaps by another process.
        form: of the engine.
        what: kind and name of the endpoint, as the subject of a sentence: `Azure ML endpoint credit`.

    Raises:
        EngineEndpointNotFoundError: it is not what this engine writes (another release persisted it).
    """
    try:
        return msgspec.convert(endpoint.native, form)
    except msgspec.ValidationError as error:
        raise EngineEndpointNotFoundError(
            f"{what} was discovered by another release: it is known again after the next discovery."
        ) from error
