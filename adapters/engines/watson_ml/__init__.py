"""Watson Machine Learning v4 (watsonx.ai Runtime), on IBM Cloud and Cloud Pak for Data: online deployments.

Wire format: IBM watsonx.ai Runtime API, "Deployments" (list, predictions), as IBM's Python client uses it.
"""

from adapters.engines.watson_ml.engine import plugin

__all__ = ["plugin"]
