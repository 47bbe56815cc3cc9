from tests.gateway_process import start_gateway
from tests.process.clouds import sagemaker

__all__ = ["sagemaker", "start_gateway"]
