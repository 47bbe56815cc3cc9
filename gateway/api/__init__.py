"""The HTTP surfaces: custom engine, payload records, operations."""
