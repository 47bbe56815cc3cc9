"""Checks of `log: native`: whether bodies in the endpoint's own form can be told and read."""

from collections.abc import Iterator, Sequence

from adapters.base import Body, Format
from gateway.body_form import is_fields_values
from gateway.config.findings import Place
from gateway.mapping.columns import InputColumns
from gateway.registry import Registry
from schemas.configuration import DeploymentSettings
from schemas.errors import ConfigurationError, EngineReplyError, UnprocessableRequestError
from schemas.table import Table

# What endpoints take in a cell; some take texts only.
_CELLS = (1, "1")
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
    request_format, _ = registry.compile_formats(settings)
    named = InputColumns(settings.input, None).native
    columns = named or _ANY_COLUMN
    body = _written(request_format, columns)
    if body is None:
        return
    if is_fields_values(body.content):
        yield ("log",), _ALIKE
    elif not _reads(registry, settings, named, columns, body):
        yield ("log",), _UNREADABLE if named else _UNNAMED


def _written(request_format: Format, columns: Sequence[str]) -> Body | None:
    """Return a body of one row; None where the format takes no such cells, so that nothing can be told of it."""
    for cell in _CELLS:
        try:
            return request_format.encode(Table(columns, [[cell] * len(columns)]))
        except UnprocessableRequestError:
            continue
    return None


def _reads(
    registry: Registry, settings: DeploymentSettings, named: Sequence[str] | None, columns: Sequence[str], body: Body
) -> bool:
    try:
        read = registry.compile_request_reader(settings, named).decode(body, None)
    except (ConfigurationError, EngineReplyError):
        return False
    return tuple(read.columns or ()) == tuple(columns)
