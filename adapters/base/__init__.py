"""The plugin API: what an engine, a format and a sink are, and what the gateway lends them.

An engine moves bytes, a format translates bytes, a sink takes records. A plugin is one descriptor (`EnginePlugin`,
`FormatPlugin`, `SinkPlugin`, `Preset`) under an entry point of the group that its class names.
"""

from adapters.base.engine import CallContext, Engine, EnginePlugin, NativeRequest, NativeResponse
from adapters.base.format import Body, Format, FormatPlugin, Preset
from adapters.base.sink import (
    AuditableSink,
    Batch,
    BatchRecord,
    Held,
    Receipt,
    RecordFilter,
    Refusal,
    Settlement,
    Sink,
    SinkPlugin,
    record_filter,
)
from adapters.base.tokens import Token, TokenSource
from adapters.base.transport import (
    ConnectError,
    ConnectionLostError,
    Response,
    ResponseTooLargeError,
    Transport,
    TransportError,
    TransportTimeoutError,
)

API_VERSION = 1

__all__ = [
    "API_VERSION",
    "AuditableSink",
    "Batch",
    "BatchRecord",
    "Body",
    "CallContext",
    "ConnectError",
    "ConnectionLostError",
    "Engine",
    "EnginePlugin",
    "Format",
    "FormatPlugin",
    "Held",
    "NativeRequest",
    "NativeResponse",
    "Preset",
    "Receipt",
    "RecordFilter",
    "Refusal",
    "Response",
    "ResponseTooLargeError",
    "Settlement",
    "Sink",
    "SinkPlugin",
    "Token",
    "TokenSource",
    "Transport",
    "TransportError",
    "TransportTimeoutError",
    "record_filter",
]
