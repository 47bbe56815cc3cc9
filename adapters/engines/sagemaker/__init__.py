"""Amazon SageMaker real-time endpoints.

One SageMaker endpoint is one endpoint here, whatever variants it splits its traffic over; an endpoint that hosts
inference components is one endpoint per component, named `<endpoint>/<component>`. Wire formats: InvokeEndpoint in the
API reference of SageMaker Runtime (service model 2017-05-13), ListEndpoints and the Describe operations in that of
SageMaker (2017-07-24).
"""

from adapters.engines.sagemaker.engine import plugin

__all__ = ["plugin"]
