from tests.gateway_process import start_gateway
from tests.process.clouds import azure, openscale, sagemaker

__all__ = ["azure", "openscale", "sagemaker", "start_gateway"]
