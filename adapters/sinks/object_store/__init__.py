"""Object stores: one immutable object a batch, as Parquet or JSON Lines, in a local folder, Amazon S3 or Azure Blob.

Objects lie in Hive-style partitions, `deployment_id=<id>/date=<YYYY-MM-DD>/`, and are named for the records in them,
`<first scoring id>-<last scoring id>-<number of records>`: a batch that comes again is the same object.
"""

from adapters.sinks.object_store.settings import ObjectStoreSettings
from adapters.sinks.object_store.sink import ObjectStore, connect, plugin

__all__ = ["ObjectStore", "ObjectStoreSettings", "connect", "plugin"]
