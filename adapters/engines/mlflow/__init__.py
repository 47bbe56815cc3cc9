"""Scoring servers of MLflow: `mlflow models serve`, its containers, and whatever stands in front of them.

One server holds one model and is one endpoint here; nothing lists servers, so each is configured. Wire format: MLflow
documentation, "Deploy MLflow Model as a Local Inference Server", and the scoring server's own answers (formats of
requests and responses, 3.x; 1.x answers without `predictions`).
"""

from adapters.engines.mlflow.engine import plugin

__all__ = ["plugin"]
