"""From a model's metadata to its endpoint: pure.

Source: KServe "Open Inference Protocol (V2)", model metadata. The metadata of a model without a batch dimension is not
told apart from that of one with it: the first dimension counts as that of the rows.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from adapters.engines.open_inference.native import Native, TensorMetadata
from adapters.engines.open_inference.request_ids import ID_BYTES
from adapters.engines.open_inference.settings import OpenInferenceEndpointSettings
from schemas.deployment import Asset, Endpoint, Limits

_INTEGERS = ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64")
DATATYPES = frozenset(("BOOL", *_INTEGERS, "FP16", "BF16", "FP32", "FP64", "BYTES"))
_SCALAR_RANKS = (1, 2)


class Metadata(Struct, frozen=True):
    """What a server says about a model; servers leave out what they don't know, or write null."""

    versions: list[str] | None = None
    inputs: list[TensorMetadata] | None = None


NO_METADATA = Metadata()
_decoder = msgspec.json.Decoder(Metadata)


def read_metadata(body: bytes) -> Metadata | None:
    """Return the metadata in a body, None where that is no metadata."""
    try:
        return _decoder.decode(body)
    except (ValueError, RecursionError):
        return None


def endpoint_of(name: str, settings: OpenInferenceEndpointSettings, metadata: Metadata, base_url: str) -> Endpoint:
    """Make the endpoint of a model.

    With several inputs, or one that holds a column, each input is a column. A single input `[rows, k]` takes all
    columns, whose names the server doesn't know.

    Args:
        name: of the endpoint.
        settings: what the configuration says of it.
        metadata: NO_METADATA where there is none.
        base_url: of the server, without a slash at its end.
    """
    inputs = metadata.inputs or []
    model = settings.model or name
    native = Native(model=model, version=settings.version, inputs=inputs)
    versions = metadata.versions or []
    # Without a version the server chooses: which one answers is known where there is only one.
    revision = settings.version or (versions[0] if len(versions) == 1 else None)
    names = tuple(tensor.name for tensor in inputs)
    return Endpoint(
        name=name,
        asset=Asset(id=quote(model, safe=""), name=model, url=base_url + native.path, revision=revision),
        columns=None if not inputs or _takes_all_columns(inputs) else names,
        request_options={"tensors": _options(inputs)} if inputs else {},
        native=native.as_json(),
        limits=_with_room_for_an_id(settings.limits.limits()),
    )


def _with_room_for_an_id(limits: Limits) -> Limits:
    return limits if limits.max_bytes is None else replace(limits, max_bytes=max(limits.max_bytes - ID_BYTES, 1))


def _takes_all_columns(inputs: Sequence[TensorMetadata]) -> bool:
    return len(inputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].shape[1] != 1  # noqa: PLR2004 - rows, columns


def _options(inputs: Sequence[TensorMetadata]) -> dict[str, Any]:
    """Return options of the codec `tensors`; a datatype that the protocol doesn't know is left to the values."""
    options: dict[str, Any] = {
        "datatypes": {tensor.name: tensor.datatype for tensor in inputs if tensor.datatype in DATATYPES}
    }
    if _takes_all_columns(inputs):
        return {**options, "tensor": inputs[0].name}
    # What holds a vector in each row has more dimensions, and shows them by itself.
    ranks = {tensor.name: len(tensor.shape) for tensor in inputs if len(tensor.shape) in _SCALAR_RANKS}
    return {**options, "ranks": ranks}
