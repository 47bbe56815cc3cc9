"""An emulated SageMaker: runtime and control plane of one account and region, on one loopback port."""

from adapters.testing.sagemaker.emulator import Invocation, SageMakerEmulator
from adapters.testing.sagemaker.errors import aws_error
from adapters.testing.sagemaker.models import Handler, LinearLearner, ModelFailureError
from adapters.testing.sagemaker.signature import AccessKey

__all__ = [
    "AccessKey",
    "Handler",
    "Invocation",
    "LinearLearner",
    "ModelFailureError",
    "SageMakerEmulator",
    "aws_error",
]
