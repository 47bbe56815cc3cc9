"""An emulated Azure ML workspace: online endpoints, the control plane that azure-ai-ml asks, and Entra."""

from adapters.testing.azureml.emulator import AzureMLEmulator, Call, model_failure
from adapters.testing.azureml.models import (
    Handler,
    ModelFailureError,
    automl,
    credit_risk,
    designer,
    mlflow,
    scoring_script,
)
from adapters.testing.azureml.workspace import AuthMode, EmulatedDeployment, EmulatedEndpoint

__all__ = [
    "AuthMode",
    "AzureMLEmulator",
    "Call",
    "EmulatedDeployment",
    "EmulatedEndpoint",
    "Handler",
    "ModelFailureError",
    "automl",
    "credit_risk",
    "designer",
    "mlflow",
    "model_failure",
    "scoring_script",
]
