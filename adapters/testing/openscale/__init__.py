"""OpenScale: token services, API v1's data marts, and the payload data sets of API v2.

Source: IBM's SDKs `ibm_ai_openscale` 2.2.1 (v1) and `ibm_watson_openscale` 3.1.11 (v2); docs/sinks/openscale.md says
which of their files states what, and what is assumed.
"""

from adapters.testing.openscale.emulator import OpenScaleEmulator

__all__ = ["OpenScaleEmulator"]
