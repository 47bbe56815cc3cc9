"""IBM Watson OpenScale: scored calls of applications go to the payload table of their deployment.

By API v2 that is a data set: a POST of records is answered with 202 before anything is stored, and the request that its
`Location` names is polled until it is `active` or in `error`. By API v1 it is a subscription of a data mart, where
nothing can be polled, so that the rows are read back. Rows are keyed by scoring id and number, so a record that comes
again is stored once. docs/sinks/openscale.md names the sources.
"""

from adapters.sinks.openscale.settings import OpenScaleSettings
from adapters.sinks.openscale.sink import connect, plugin

__all__ = ["OpenScaleSettings", "connect", "plugin"]
