"""Checks of `output` against the names that `response.fields` gives to columns without any."""

from collections.abc import Iterator, Sequence

from adapters.base import Format
from gateway.codecs import merged_options
from gateway.config.findings import Place
from gateway.faults import blaming
from gateway.registry import Registry
from gateway.sample_bodies import sample_body
from schemas.configuration import DeploymentSettings, OutputSettings
from schemas.errors import ConfigurationError, EngineReplyError


def check_response_names(settings: DeploymentSettings, registry: Registry) -> Iterator[tuple[Place, str]]:
    """Check a deployment whose formats have no problem: that `output` names columns which an answer can have.

    The codec itself is asked: only where it reads its own rows with the names of `fields` can there be no others.
    """
    preset = {} if settings.format is None else registry.preset(settings.format).response
    options = merged_options(preset, settings.response or {})
    fields = options.get("fields")
    if not fields or not isinstance(fields, list | tuple):
        return
    try:
        with blaming(registry.format_title(settings, "response"), "a row of numbers, to and fro,"):
            if not _are_all(fields, registry.compile_formats(settings)[1]):
                return
    except ConfigurationError as error:
        yield ("response",), error.message
        return
    for place, name in _named(settings.output):
        if name not in fields:
            yield (
                place,
                "It is none of `response.fields`, which name all columns of an answer: add it there, or correct it.",
            )


def _are_all(fields: Sequence[str], codec: Format) -> bool:
    others = tuple(f"{name}?" for name in fields)
    body = sample_body(codec, others)
    try:
        return body is not None and tuple(codec.decode(body, 1).columns or ()) == tuple(fields)
    except EngineReplyError:
        return False


def _named(output: OutputSettings) -> Iterator[tuple[Place, str]]:
    if output.prediction is not None:
        yield ("output", "prediction"), output.prediction
    if isinstance(output.probability, str):
        yield ("output", "probability"), output.probability
    for k, name in enumerate(output.probability if isinstance(output.probability, tuple) else ()):
        yield ("output", "probability", k), name
