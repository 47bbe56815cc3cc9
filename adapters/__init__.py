"""Everything foreign: engines, formats, sinks and tokens, each behind a protocol of `adapters.base`."""
