"""Codecs between a native body and a table, and the presets, which are plain data."""
