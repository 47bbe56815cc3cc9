"""Azure Machine Learning: online endpoints (managed and Kubernetes), and ACI and AKS services by URL.

One online endpoint is one endpoint here; Azure splits its traffic over its deployments, unless the configuration
chooses one. Wire formats: the REST reference of Azure Machine Learning (onlineEndpoints, onlineDeployments) and the
how-to pages on invoking and troubleshooting online endpoints.
"""

from adapters.engines.azureml.engine import plugin

__all__ = ["plugin"]
