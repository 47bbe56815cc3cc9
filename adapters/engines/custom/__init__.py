"""Another custom machine learning engine: one that OpenScale could be pointed at itself.

Wire format: IBM Watson OpenScale documentation, "Custom machine learning frameworks", and the example engines of
pmservice/ai-openscale-tutorials; the list may have their form or the one that OpenScale's SDKs read.
"""

from adapters.engines.custom.engine import plugin

__all__ = ["plugin"]
