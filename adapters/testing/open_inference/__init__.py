"""An emulated server of the Open Inference Protocol (V2 REST)."""

from adapters.testing.open_inference.emulator import Call, Listing, OpenInferenceEmulator
from adapters.testing.open_inference.models import EmulatedModel, credit_risk_columns, credit_risk_matrix
from adapters.testing.open_inference.tensors import BadTensorError, Tensor, TensorType

__all__ = [
    "BadTensorError",
    "Call",
    "EmulatedModel",
    "Listing",
    "OpenInferenceEmulator",
    "Tensor",
    "TensorType",
    "credit_risk_columns",
    "credit_risk_matrix",
]
