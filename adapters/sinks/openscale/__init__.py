"""IBM Watson OpenScale, API v2: records go to the payload data set of their deployment (formats.md 3.2).

A POST of records is answered with 202 before anything is stored; the request that its `Location` names is polled until
it is `active` or in `error`. Rows are keyed by scoring id and number, so a record that comes again is stored once.
"""

from adapters.sinks.openscale.sink import OpenScale, OpenScaleSettings, connect, plugin

__all__ = ["OpenScale", "OpenScaleSettings", "connect", "plugin"]
