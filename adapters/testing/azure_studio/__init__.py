"""Emulated web services of Azure ML Studio (classic), the control plane that lists them, and Entra."""

from adapters.testing.azure_studio.emulator import AzureStudioEmulator, Call, EmulatedService, studio_error
from adapters.testing.azure_studio.models import (
    BadArgumentError,
    Model,
    Scored,
    credit_risk_binary,
    credit_risk_multiclass,
)

__all__ = [
    "AzureStudioEmulator",
    "BadArgumentError",
    "Call",
    "EmulatedService",
    "Model",
    "Scored",
    "credit_risk_binary",
    "credit_risk_multiclass",
    "studio_error",
]
