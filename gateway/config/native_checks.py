"""Checks of `log: native`: whether bodies in the endpoint's own form can be told and read."""

from collections.abc import Iterator, Sequence

from adapters.base import Body
from gateway.body_form import is_fields_values
from gateway.config.findings import Place
from gateway.faults import blaming
from gateway.mapping.columns import InputColumns
from gateway.registry import Registry
from gateway.sample_bodies import sample_body
from schemas.configuration import DeploymentSettings
from schemas.errors import ConfigurationError, EngineReplyError

_ANY_COLUMN = ("column",)
_ALIKE = (
    "The endpoint's own requests look like fields/values, so `native` can't tell them apart: use `application`, with "
    "credentials, URLs or a `log_marker` that tell applications from monitors."
)
_UNNAMED = "The endpoint's own requests don't name their columns: `native` needs the names in `input.fields`."
_UNREADABLE = (
    "The endpoint's own requests can't be read back with the options of `request`, which `native` needs: leave "
    "`request.fields` out, or make it equal to `input.fields`."
)


def check_native(settings: DeploymentSettings, registry: Registry) -> Iterator[tuple[Place, str]]:
    """Check a deployment with `log: native` whose formats and mapping have no problem.

    The codec itself is asked: it writes a row, and that row must not look like fields/values, and must be read back.
    """
    if settings.log_marker is not None and settings.log_marker.body_key is not None:
        yield (
            ("log_marker", "body_key"),
            "With `log: native` a body goes to the endpoint as it is: mark calls with a `header`.",
        )
    try:
        with blaming(registry.format_title(settings, "request"), "a row of numbers, to and fro,"):
            problem = _problem(settings, registry)
    except ConfigurationError as error:
        yield ("request",), error.message
        return
    if problem is not None:
        yield ("log",), problem


def _problem(settings: DeploymentSettings, registry: Registry) -> str | None:
    request_format, _ = registry.compile_formats(settings)
    named = InputColumns(settings.input, None).native
    columns = named or _ANY_COLUMN
    body = sample_body(request_format, columns)
    if body is None:
        return None
    if is_fields_values(body.content):
        return _ALIKE
    if not _reads(registry, settings, named, columns, body):
        return _UNREADABLE if named else _UNNAMED
    return None


def _reads(
    registry: Registry, settings: DeploymentSettings, named: Sequence[str] | None, columns: Sequence[str], body: Body
) -> bool:
    try:
        read = registry.compile_request_reader(settings, named).decode(body, None)
    except (ConfigurationError, EngineReplyError):
        return False
    return tuple(read.columns or ()) == tuple(columns)
