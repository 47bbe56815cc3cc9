"""Servers of the Open Inference Protocol (V2 REST): Triton, MLServer, KServe's Python servers and their like.

One model is one endpoint here; the server chooses its version, unless the configuration does. A model's metadata says
which tensors it takes, so the codec `tensors` needs no options for it. Wire format: KServe "Open Inference Protocol
(V2)", REST; Triton "Model Repository Extension" for the repository index.
"""

from adapters.engines.open_inference.engine import plugin

__all__ = ["plugin"]
