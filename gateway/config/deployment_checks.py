"""Checks of `deployments`, of the `defaults` of engines, and of public ids."""

from collections.abc import Iterator
from itertools import permutations

from gateway.config.configuration import Draft
from gateway.config.findings import Place, parse_place
from gateway.config.native_checks import check_native
from gateway.config.response_checks import check_response_names
from gateway.faults import blaming
from gateway.mapping import ambiguities
from gateway.public_ids import is_generated_id, public_id_of
from gateway.registry import Registry
from gateway.sample_bodies import names_columns
from schemas.configuration import ConfiguredDeployment, DeploymentSettings
from schemas.errors import ConfigurationError

IDENTIFIERS = frozenset({"scoring_id", "transaction_id", "deployment_id", "record_id"})
"""Columns by which records are found again, here or in OpenScale."""

_BINARY = 2


def check_deployments(draft: Draft) -> Iterator[tuple[Place, str]]:
    """Check that public ids can't be taken for each other, and that endpoints can be known."""
    engines = draft.names("engines")
    for shorter, longer in permutations(engines, 2):
        if f"{longer}--".startswith(f"{shorter}--"):
            yield (
                ("engines", longer),
                f"Generated ids (`<engine>--<endpoint>`) of this engine could be those of {shorter}: rename one.",
            )
    for public_id, deployment in draft.deployments.items():
        place: Place = ("deployments", public_id)
        if is_generated_id(public_id, engines) and public_id != public_id_of(deployment.engine, deployment.endpoint):
            yield place, "The id is that of a discovered endpoint (`<engine>--<endpoint>`): choose another."
        yield from _check_endpoint(place, deployment, draft)


def _check_endpoint(place: Place, deployment: ConfiguredDeployment, draft: Draft) -> Iterator[tuple[Place, str]]:
    engine = draft.engines.get(deployment.engine)
    if engine is None or engine.settings.discover is not False:
        return
    if deployment.endpoint not in engine.settings.endpoints:
        known = ", ".join(engine.settings.endpoints) or "none"
        yield (
            (*place, "endpoint"),
            f"The engine {engine.name} does not discover, so its `endpoints` has to name this one. Known: {known}.",
        )


def check_deployment(
    place: Place, settings: DeploymentSettings, draft: Draft, registry: Registry
) -> Iterator[tuple[Place, str]]:
    """Check what a deployment and the defaults of an engine have in common."""
    has_format = isinstance(settings, ConfiguredDeployment) or _names_a_format(settings)
    problems = [
        *(registry.format_problems(settings) if has_format else ()),
        *ambiguities(settings.input, settings.output),
    ]
    for where, sentence in problems:
        yield (*place, *parse_place(where)), sentence
    if has_format and not problems:
        for step, sentence in _check_bodies(settings, registry):
            yield (*place, *step), sentence
    yield from _check_problem_type((*place, "problem_type"), settings)
    yield from _check_redaction((*place, "redact"), settings, draft)
    yield from _check_log_marker((*place, "log_marker"), settings)


def _names_a_format(settings: DeploymentSettings) -> bool:
    return settings.format is not None or settings.request is not None or settings.response is not None


def _check_bodies(settings: DeploymentSettings, registry: Registry) -> Iterator[tuple[Place, str]]:
    """Check the mapping against what the formats make of tables; neither has a problem of its own."""
    yield from _check_defaults(settings, registry)
    yield from check_response_names(settings, registry)
    if settings.log == "native":
        yield from check_native(settings, registry)


def _check_defaults(settings: DeploymentSettings, registry: Registry) -> Iterator[tuple[Place, str]]:
    if not settings.input.defaults or settings.input.fields:
        return
    request_format, _ = registry.compile_formats(settings)
    try:
        with blaming(registry.format_title(settings, "request"), "a row of numbers"):
            named = names_columns(request_format)
    except ConfigurationError as error:
        yield ("request",), error.message
        return
    if not named:
        yield (
            ("input", "defaults"),
            (
                "The endpoint's requests don't name their columns, so that a default would move other cells: name the "
                "columns in `input.fields`, in the endpoint's order."
            ),
        )


def _check_problem_type(place: Place, settings: DeploymentSettings) -> Iterator[tuple[Place, str]]:
    kind, output = settings.problem_type, settings.output
    if kind == "regression" and (output.labels or output.probability is not None):
        yield (
            place,
            "A regression has neither `output.labels` nor `output.probability`: remove them, or change the type.",
        )
    if kind == "binary" and output.labels and len(output.labels) != _BINARY:
        yield place, f"`binary` means two classes, but `output.labels` names {len(output.labels)}."


def _check_redaction(place: Place, settings: DeploymentSettings, draft: Draft) -> Iterator[tuple[Place, str]]:
    for column, way in settings.redact.items():
        if column in IDENTIFIERS:
            yield (*place, column), "The column is an id of the record, and has to stay as it is."
        if way == "hash" and draft.payload_log is not None and draft.payload_log.redaction_key is None:
            yield (*place, column), "`hash` needs `payload_log.redaction_key`: without a key values could be guessed."


def _check_log_marker(place: Place, settings: DeploymentSettings) -> Iterator[tuple[Place, str]]:
    marker = settings.log_marker
    if marker is None:
        return
    if (marker.header is None) == (marker.body_key is None):
        yield place, "It needs exactly one of `header` and `body_key`."
    if marker.value is not None and marker.header is None:
        yield (*place, "value"), "A value goes with `header`."
