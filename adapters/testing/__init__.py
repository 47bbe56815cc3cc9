"""Emulators of the platforms, with fault scripts: for the demo, our tests and authors of plugins."""
