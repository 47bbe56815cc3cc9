"""One file into one frozen tree; every mistake is reported, with its place."""

from gateway.config.composition import compose_schema
from gateway.config.configuration import Configuration, EngineConfiguration, SinkConfiguration
from gateway.config.loading import load

__all__ = ["Configuration", "EngineConfiguration", "SinkConfiguration", "compose_schema", "load"]
