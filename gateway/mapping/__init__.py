"""Mapping: pure translation between fields/values and the native table of one deployment."""

from gateway.mapping.ambiguities import ambiguities
from gateway.mapping.mapping import Mapping

__all__ = ["Mapping", "ambiguities"]
