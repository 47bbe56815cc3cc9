"""What a format is: a pure codec between a native body and a table."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct, field

from schemas.configuration import Settings
from schemas.table import Table


class Body(Struct, frozen=True):
    """Bytes and what they claim to be. `content_type` may carry parameters when it comes from a platform."""

    content: bytes
    content_type: str


class Format(Protocol):
    """One codec with its options, for requests or for responses.

    Pure and synchronous: no I/O, no state, no clock; may run in any thread. A table is never changed.
    """

    @property
    def media_type(self) -> str:
        """What `encode` writes and `decode` asks for: the bare type, without parameters."""
        ...

    def encode(self, table: Table) -> Body:
        """Write n rows, in order.

        Raises:
            UnprocessableRequestError: a cell that this format can't carry; `target` is `values[<row>][<column>]`.
        """
        ...

    def decode(self, body: Body, n_rows: int | None) -> Table:
        """Read n rows, in order; columns are always named. NaN and infinities become None.

        Where a deployment takes requests in its endpoint's own form, their codec reads them with this, too.

        Args:
            body: as the platform sent it, or a native client.
            n_rows: how many rows there must be; None: any number.

        Raises:
            EngineReplyError: not this format, another number of rows, or an error text instead of rows (kept in
                `engine_message`, never in the message).
        """
        ...


class FormatPlugin(Struct, frozen=True, kw_only=True):
    """Entry point group `openscale_gateway.formats`.

    Attributes:
        kind: the `format` of the configuration.
        settings: struct that its options are validated against (the key `format` left out).
        build: makes the codec of one deployment and direction; raises ValueError with a sentence where options
            contradict each other.
        api_version: of this module.
    """

    kind: str
    settings: type[Settings]
    build: Callable[[Any], Format]
    api_version: int = 1


class Preset(Struct, frozen=True, kw_only=True):
    """Entry point group `openscale_gateway.presets`: a named bundle of options, plain data.

    An entry point names one preset or a sequence of them.

    Attributes:
        name: the `format` of a deployment.
        request: `{"format": <codec>, ...}` as a deployment's `request`.
        response: likewise.
        source: where the wire format is described.
    """

    name: str
    request: Mapping[str, Any] = field(default_factory=dict)
    response: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
