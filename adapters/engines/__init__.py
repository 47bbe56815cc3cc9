"""Native platforms, one a file. None imports another."""
