"""OpenScale: token services, API v1's data marts, and the payload data sets of API v2 (formats.md 3.1 to 3.6)."""

from adapters.testing.openscale.emulator import OpenScaleEmulator

__all__ = ["OpenScaleEmulator"]
