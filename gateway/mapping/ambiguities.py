"""Settings that contradict each other, or leave open what an answer would mean."""

from collections.abc import Iterator, Sequence

from gateway.mapping.labels import Labels, spellings
from gateway.mapping.numbers import number_in
from gateway.mapping.probabilities import positive_position
from gateway.mapping.stated_classes import ends_with_number, stated_classes
from schemas.configuration import InputSettings, OutputSettings
from schemas.table import Cell

Problem = tuple[str, str]
"""A place, as `output.probability_of`, and a sentence that says what to do."""

_BINARY = 2


def ambiguities(input_settings: InputSettings, output_settings: OutputSettings) -> list[Problem]:
    """Return what has to be settled before these settings can be used."""
    return [
        *_of_columns(input_settings),
        *_of_passed_columns(output_settings),
        *_of_labels(output_settings.labels),
        *_of_prediction(output_settings),
        *_of_probability(output_settings),
        *_of_positive(output_settings),
        *_of_threshold(output_settings),
    ]


def _of_columns(settings: InputSettings) -> Iterator[Problem]:
    fields = settings.fields
    if fields is not None and not fields:
        yield "input.fields", "It is empty: name the endpoint's columns, or leave it out to pass them as sent."
    for k, name in enumerate(fields or ()):
        if name in (fields or ())[:k]:
            yield f"input.fields[{k}]", f"The column `{name}` is named twice."
    for name in settings.defaults:
        if name in settings.constants:
            yield f"input.defaults.{name}", "The column is also in `input.constants`: keep one of them."
        elif fields and name not in fields:
            yield f"input.defaults.{name}", "The column is not in `input.fields`: add it there, or remove the default."


def _of_passed_columns(settings: OutputSettings) -> Iterator[Problem]:
    """Check what can't be said of the endpoint's columns where they pass as they are."""
    if settings.prediction is not None:
        return
    if settings.labels and settings.probability is None:
        yield (
            "output.labels",
            (
                "They say nothing of columns that pass as they are: name those that hold classes in "
                "`output.prediction` or `output.probability`, or remove the labels."
            ),
        )
    if settings.echo_inputs and not (settings.labels and settings.probability):
        yield (
            "output.echo_inputs",
            "Nothing tells what the endpoint echoes from what it predicts: name its column in `output.prediction`.",
        )


def _of_labels(labels: Sequence[Cell]) -> Iterator[Problem]:
    if len(labels) == 1:
        yield "output.labels", "There is one label only: name all classes, in the order of the probabilities."
    seen: set[Cell] = set()
    for k, label in enumerate(labels):
        if label is None or isinstance(label, list | dict):
            yield f"output.labels[{k}]", "A label is a string, a number or a boolean."
            continue
        written = {label, *spellings(label)}
        if not seen.isdisjoint(written):
            yield f"output.labels[{k}]", "It equals a label before it, and could not be told apart in an answer."
        seen |= written


def _of_prediction(settings: OutputSettings) -> Iterator[Problem]:
    if settings.prediction_is == "index" and not settings.labels:
        yield "output.prediction_is", "An index needs `output.labels` to count into."
    if settings.prediction_is == "index" and settings.prediction is None:
        yield "output.prediction_is", "An index needs `output.prediction`, the field that holds it."
    if settings.prediction is not None and settings.prediction in _probability_fields(settings):
        yield "output.prediction", "The same field is named in `output.probability`: it can't be both."


def _of_probability(settings: OutputSettings) -> Iterator[Problem]:
    of, n_labels = settings.probability_of, len(settings.labels)
    if settings.probability_scale == "logit" and (settings.probability is None or of == "winner"):
        yield "output.probability_scale", "Logits are those of the `positive` label, of `each`, or of a list of fields."
    if settings.probability is None:
        if of is not None:
            yield "output.probability_of", "It says nothing without `output.probability`, the field that it is about."
    elif isinstance(settings.probability, tuple):
        yield from _of_several_fields(settings, settings.probability)
    elif of is None and n_labels >= _BINARY:
        yield (
            "output.probability_of",
            (
                "Say what the field holds: `each`, an array in the order of `labels`, or one number, the probability "
                "of the `positive` label or of the `winner`."
            ),
        )
    elif of == "positive" and n_labels not in (0, _BINARY):
        yield "output.probability_of", f"`positive` is for two labels; here are {n_labels}."
    elif of == "positive":
        yield from _of_positive_field(settings, settings.probability)
    elif of == "winner":
        yield from _of_winner(settings, settings.probability)


def _of_several_fields(settings: OutputSettings, fields: Sequence[str]) -> Iterator[Problem]:
    if len(fields) != len(settings.labels):
        yield (
            "output.probability",
            (
                f"A list names one field for each of `output.labels`, in their order; here are {len(fields)} fields "
                f"and {len(settings.labels)} labels."
            ),
        )
    if len(set(fields)) != len(fields):
        yield "output.probability", "A field is named twice."
    if not any(_of_labels(settings.labels)):
        yield from _of_stated_classes(settings.labels, fields)
    if settings.probability_of in ("positive", "winner"):
        yield "output.probability_of", "A list of fields holds the probability of each label: leave this out."


def _of_stated_classes(labels: Sequence[Cell], fields: Sequence[str]) -> Iterator[Problem]:
    for k, stated in enumerate(stated_classes(fields, labels)[: len(labels)]):
        if stated is not None and stated != k:
            yield (
                f"output.probability[{k}]",
                (
                    f"Its name says that it is the class `{labels[stated]}`, its place `{labels[k]}`: put the fields "
                    "into the order of `output.labels`."
                ),
            )


def _of_positive_field(settings: OutputSettings, field: str) -> Iterator[Problem]:
    stated = _class_of_single(settings.labels, field)
    positive = positive_position(settings, Labels(settings.labels))
    if stated is None or stated == positive:
        return
    if settings.positive is not None and _may_count(field, settings.labels[stated]):
        return
    yield (
        "output.probability",
        (
            f"Its name says that it is of the class `{settings.labels[stated]}`, but the positive label is "
            f"`{settings.labels[positive]}`: say in `output.positive` whose probability it is, or name another field."
        ),
    )


def _class_of_single(labels: Sequence[Cell], field: str) -> int | None:
    return None if any(_of_labels(labels)) else stated_classes((field,), labels)[0]


def _may_count(field: str, label: Cell) -> bool:
    """Whether the number in a name may be that of an output, `output_0`, rather than of a class."""
    return number_in(label) is not None and ends_with_number(field)


def _of_winner(settings: OutputSettings, field: str) -> Iterator[Problem]:
    stated = _class_of_single(settings.labels, field)
    if stated is not None and not _may_count(field, settings.labels[stated]):
        yield (
            "output.probability",
            (
                f"Its name says that it is of the class `{settings.labels[stated]}`, whoever wins: set "
                "`output.probability_of: positive`, and name that class in `output.positive`."
            ),
        )
    if settings.prediction is None:
        yield "output.probability_of", "`winner` needs `output.prediction`, which tells who won."
    if len(settings.labels) != _BINARY:
        yield (
            "output.probability_of",
            (
                "The other probabilities follow from the winner's with two labels only; here are "
                f"{len(settings.labels)}: leave `output.probability` out."
            ),
        )


def _of_positive(settings: OutputSettings) -> Iterator[Problem]:
    if settings.positive is None:
        return
    if settings.positive not in settings.labels:
        yield "output.positive", "It is none of `output.labels`."
    if settings.probability_of != "positive":
        yield "output.positive", "It says nothing without `output.probability_of: positive`."


def _of_threshold(settings: OutputSettings) -> Iterator[Problem]:
    if settings.threshold is None:
        return
    if settings.prediction is not None:
        yield "output.threshold", "The endpoint's own `output.prediction` is used: remove one of them."
    if settings.probability is None or settings.probability_of != "positive":
        yield "output.threshold", "It needs `output.probability` and `output.probability_of: positive`."
    if len(settings.labels) != _BINARY:
        yield "output.threshold", f"It decides between two `output.labels`; here are {len(settings.labels)}."


def _probability_fields(settings: OutputSettings) -> Sequence[str]:
    if isinstance(settings.probability, tuple):
        return settings.probability
    return () if settings.probability is None else (settings.probability,)
