"""Tensors on the wire, and what a strict server checks of them.

Source: KServe "Open Inference Protocol (V2)", inference request and tensor data types.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

Json = object

_TYPES: dict[str, tuple[type, ...]] = {"BOOL": (bool,), "BYTES": (str,), "FP32": (int, float), "FP64": (int, float)}
_INTEGER = (int,)


class BadTensorError(Exception):
    """The request does not fit the model; the message is what the server answers."""


class TensorType(Struct, frozen=True):
    """A tensor in metadata: -1 in the shape means any length."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class Tensor(Struct, frozen=True):
    """A tensor with its data, flat and in row-major order."""

    name: str
    datatype: str
    shape: Sequence[int]
    data: Sequence[Json]

    @property
    def rows(self) -> list[list[Json]]:
        """The data, cut at the first dimension."""
        width = math.prod(self.shape[1:])
        return [list(self.data[start : start + width]) for start in range(0, len(self.data), width)]


class _Input(Struct, frozen=True):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]


class _Wanted(Struct, frozen=True):
    name: str


class InferenceRequest(Struct, frozen=True):
    """The body of an inference call."""

    inputs: list[_Input]
    id: str | None = None
    outputs: list[_Wanted] | None = None


def read_request(body: bytes) -> InferenceRequest:
    """Read the body of an inference call.

    Raises:
        BadTensorError: it is not one.
    """
    try:
        return msgspec.json.decode(body, type=InferenceRequest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadTensorError("The request is not an inference request.") from error


def checked_inputs(request: InferenceRequest, declared: Sequence[TensorType]) -> dict[str, Tensor]:
    """Return the inputs by name, all of which have to be there with the declared datatype and shape.

    Raises:
        BadTensorError: naming the input that does not fit.
    """
    tensors = {item.name: _tensor(item) for item in request.inputs}
    if set(tensors) != {item.name for item in declared} or len(tensors) != len(request.inputs):
        raise BadTensorError(f"Expected are the inputs {', '.join(item.name for item in declared)}.")
    for item in declared:
        _check(tensors[item.name], item)
    if len({tensor.shape[0] for tensor in tensors.values()}) > 1:
        raise BadTensorError("The inputs have different numbers of rows.")
    return tensors


def wanted_outputs(request: InferenceRequest, outputs: Sequence[Tensor]) -> list[Mapping[str, Json]]:
    """Return the outputs that were asked for, as JSON.

    Raises:
        BadTensorError: one is asked for that the model doesn't have.
    """
    by_name = {tensor.name: tensor for tensor in outputs}
    names = list(by_name) if request.outputs is None else [item.name for item in request.outputs]
    if not by_name.keys() >= set(names):
        raise BadTensorError(f"The model has the outputs {', '.join(by_name)}.")
    return [msgspec.to_builtins(by_name[name]) for name in names]


def _tensor(item: _Input) -> Tensor:
    data = item.data
    while data and all(isinstance(inner, list) for inner in data):
        data = [cell for inner in data for cell in inner]
    return Tensor(item.name, item.datatype, item.shape, data)


def _check(tensor: Tensor, declared: TensorType) -> None:
    if tensor.datatype != declared.datatype:
        raise BadTensorError(f"Input {tensor.name} has to be {declared.datatype}.")
    fits = len(tensor.shape) == len(declared.shape) and all(
        want in (-1, length) for want, length in zip(declared.shape, tensor.shape, strict=True)
    )
    if not fits:
        raise BadTensorError(f"Input {tensor.name} has to have the shape {list(declared.shape)}.")
    if len(tensor.data) != math.prod(tensor.shape):
        raise BadTensorError(f"Input {tensor.name} has other data than its shape says.")
    kinds = _TYPES.get(tensor.datatype, _INTEGER)
    if not all(type(cell) in kinds for cell in tensor.data):
        raise BadTensorError(f"Input {tensor.name} has data that is not {tensor.datatype}.")
