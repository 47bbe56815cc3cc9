"""The payload log: tap, spool and shipper; the whole way of a record from a call to the sinks."""
