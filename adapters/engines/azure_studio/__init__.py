"""Web services of Azure Machine Learning Studio (classic, retired in 2024) and their look-alikes.

One web service is one endpoint here. Wire formats: "How to consume an Azure Machine Learning Studio (classic) web
service" and the API help pages of services; "Web Services" in the REST reference of Machine Learning Studio (classic),
API version 2017-01-01, for discovery, which knows the kind "New" alone.
"""

from adapters.engines.azure_studio.engine import plugin

__all__ = ["plugin"]
