"""Destinations of payload records, one a file. None imports another."""
