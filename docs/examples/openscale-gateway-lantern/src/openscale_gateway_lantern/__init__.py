"""Lantern, a model server with an API of its own, behind openscale-gateway."""
