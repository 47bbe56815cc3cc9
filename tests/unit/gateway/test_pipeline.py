"""Rows to native parts and back, through real formats and mapping."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from gateway.circuit import FAILURES_TO_OPEN, Circuit
from gateway.pipeline import NativePart, Pipeline, Pipelines
from schemas.configuration import InputSettings, OutputSettings
from schemas.deployment import Deployment, Endpoint, Limits
from schemas.errors import (
    DeploymentNotConfiguredError,
    EngineReplyError,
    EngineUnavailableError,
    UnprocessableRequestError,
)
from schemas.scoring import ScoringRequest, ScoringResponse
from tests.fakes.engines import ScriptedEngine, answered
from tests.fakes.gateways import configuration_of, deployed, registry


def pipelines(engine: ScriptedEngine | None = None) -> Pipelines:
    engine = engine or ScriptedEngine()
    return Pipelines(configuration_of(Path("unused"), engine), registry(), {"aws": engine}, lambda: 0.0)


def deployment(limits: Limits | None = None, *, endpoint_seconds: float | None = None, **settings: Any) -> Deployment:
    endpoint = Endpoint(name="model", limits=limits or Limits(), timeout_seconds=endpoint_seconds)
    return Deployment(id="credit", engine="aws", endpoint=endpoint, settings=deployed(**settings))


def pipeline(limits: Limits | None = None, **settings: Any) -> Pipeline:
    return pipelines().of(deployment(limits, **settings))


def open_up(circuit: Circuit) -> None:
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(EngineUnavailableError), circuit.call():
            raise EngineUnavailableError("Down.")


def rows_of(part: NativePart) -> list[Any]:
    rows: list[Any] = json.decode(part.request.body)["values"]
    assert len(rows) == part.n_rows
    return rows


@settings(deadline=None)
@given(
    st.lists(st.text(max_size=30), min_size=1, max_size=40),
    st.none() | st.integers(1, 12),
    st.none() | st.integers(230, 400),
)
def test_parts_keep_the_order_and_the_limits(cells: list[str], max_rows: int | None, max_bytes: int | None) -> None:
    built = pipeline(Limits(max_rows=max_rows, max_bytes=max_bytes))
    parts = built.encode(ScoringRequest([[cell] for cell in cells], ["a"]))
    assert [row[0] for part in parts for row in rows_of(part)] == cells
    assert all(max_rows is None or part.n_rows <= max_rows for part in parts)
    assert all(max_bytes is None or len(part.request.body) <= max_bytes for part in parts)


@settings(deadline=None)
@given(st.lists(st.integers(), min_size=1, max_size=30), st.integers(1, 7))
def test_answers_of_parts_are_joined_in_order(cells: list[int], max_rows: int) -> None:
    built = pipeline(Limits(max_rows=max_rows))
    request = ScoringRequest([[cell] for cell in cells], ["a"])
    parts = built.encode(request)
    answers = [answered({"fields": ["prediction"], "values": rows_of(part)}) for part in parts]
    assert built.decode(request, parts, answers).response.values == request.values


def test_one_request_is_made_where_nothing_limits_it() -> None:
    (part,) = pipeline().encode(ScoringRequest([[n] for n in range(5_000)], ["a"]))
    assert part.n_rows == 5_000
    assert (part.request.content_type, part.request.accept) == ("application/json", "application/json")


@pytest.mark.parametrize(("share", "n_parts"), [(0.9, 2), (0.45, 3), (0.24, 5)])
def test_body_beyond_the_limit_is_cut_into_few_parts_of_about_one_size(share: float, n_parts: int) -> None:
    request = ScoringRequest([[10_000 + n] for n in range(5_000)], ["a"])
    (whole,) = pipeline().encode(request)
    parts = pipeline(Limits(max_bytes=int(len(whole.request.body) * share))).encode(request)
    assert len(parts) == n_parts
    assert max(part.n_rows for part in parts) - min(part.n_rows for part in parts) <= 1


def test_row_that_is_larger_than_the_limit_is_refused_with_its_place() -> None:
    built = pipeline(Limits(max_bytes=60))
    with pytest.raises(UnprocessableRequestError) as refused:
        built.encode(ScoringRequest([["x"], ["y"], ["z" * 60], ["w"]], ["a"]))
    assert refused.value.target == "values[2]"
    assert "zz" not in refused.value.message


def test_cell_that_the_format_cannot_carry_is_named_by_its_place_in_the_call() -> None:
    built = pipeline(Limits(max_rows=2), format="sagemaker-linear-learner", input=InputSettings(fields=("a", "b")))
    with pytest.raises(UnprocessableRequestError) as refused:
        built.encode(ScoringRequest([[1, 2], [1, 2], [1, 2], [1, [3]]], ["a", "b"]))
    assert refused.value.target == "values[3][1]"


def test_missing_column_is_refused_before_anything_is_encoded() -> None:
    with pytest.raises(UnprocessableRequestError, match="`b`") as refused:
        pipeline(input=InputSettings(fields=("a", "b"))).encode(ScoringRequest([[1]], ["a"]))
    assert refused.value.target == "fields"


def test_default_never_moves_the_cells_of_a_body_without_names() -> None:
    built = pipeline(format="sagemaker-linear-learner", input=InputSettings(defaults={"b": 0}))
    (part,) = built.encode(ScoringRequest([[1, 2, 3]], ["a", "b", "c"]))
    assert part.request.body == b"1,2,3"
    with pytest.raises(UnprocessableRequestError, match="`b`") as refused:
        built.encode(ScoringRequest([[1, 3]], ["a", "c"]))
    assert refused.value.target == "fields"


def test_body_without_names_shows_only_with_what_the_platform_tells_of_it() -> None:
    settings = deployed(request={"format": "tensors"}, input=InputSettings(defaults={"b": 0}))
    endpoint = Endpoint(name="model", request_options={"tensors": {"tensor": "x"}})
    described = Deployment(id="credit", engine="aws", endpoint=endpoint, settings=settings)
    with pytest.raises(UnprocessableRequestError, match="`b`"):
        pipelines().of(described).encode(ScoringRequest([[1, 3]], ["a", "c"]))
    named = pipeline(request={"format": "tensors"}, input=settings.input)
    (part,) = named.encode(ScoringRequest([[1, 3]], ["a", "c"]))
    assert [tensor["name"] for tensor in json.decode(part.request.body)["inputs"]] == ["a", "c", "b"]


def test_answers_with_other_columns_or_rows_are_no_answer() -> None:
    built = pipeline(Limits(max_rows=1))
    request = ScoringRequest([[1], [2]], ["a"])
    parts = built.encode(request)
    differing = [answered({"fields": [name], "values": [[1]]}) for name in ("x", "y")]
    with pytest.raises(EngineReplyError, match="different columns"):
        built.decode(request, parts, differing)
    short = [answered({"fields": ["x"], "values": rows}) for rows in ([[1]], [])]
    with pytest.raises(EngineReplyError):
        built.decode(request, parts, short)


def joined(*bodies: Any, **settings: Any) -> Any:
    built = pipeline(Limits(max_rows=1), **settings)
    request = ScoringRequest([[n] for n in range(len(bodies))], ["a"])
    parts = built.encode(request)
    return built.decode(request, parts, [answered(body) for body in bodies])


def test_parts_with_columns_in_another_order_are_joined_by_name() -> None:
    response = joined(
        {"fields": ["label", "p"], "values": [["Risk", 0.75]]},
        {"fields": ["p", "label"], "values": [[0.25, "No Risk"]]},
    ).response
    assert response == ScoringResponse(["label", "p"], [["Risk", 0.75], ["No Risk", 0.25]])


def test_probabilities_by_class_stay_with_their_classes_whatever_order_a_part_has() -> None:
    output = OutputSettings(probability=("no", "yes"), labels=("no", "yes"))
    decoded = joined(
        {"predictions": [{"no": 0.75, "yes": 0.25}]},
        {"predictions": [{"yes": 0.875, "no": 0.125}]},
        format="mlflow",
        output=output,
    )
    assert decoded.response.values == [["no", [0.75, 0.25]], ["yes", [0.125, 0.875]]]


def test_part_whose_rows_lack_a_column_is_joined_as_if_all_had_come_in_one_answer() -> None:
    rows = [{"label": "Risk"}, {"note": 1, "label": "No Risk"}, {"label": "Risk", "note": None}]
    in_parts = joined(*({"predictions": [row]} for row in rows), format="mlflow").response
    built = pipeline(format="mlflow")
    request = ScoringRequest([[n] for n in range(len(rows))], ["a"])
    at_once = built.decode(request, built.encode(request), [answered({"predictions": rows})]).response
    assert in_parts == at_once
    assert at_once == ScoringResponse(["label", "note"], [["Risk", None], ["No Risk", 1], ["Risk", None]])


def test_prediction_of_a_regression_is_a_number_also_where_the_platform_writes_texts() -> None:
    table = {"ColumnNames": ["Scored Label Mean"], "Values": [["3.2"]]}
    body = {"Results": {"output1": {"type": "table", "value": table}}}
    output = OutputSettings(prediction="Scored Label Mean")
    as_text = joined(body, format="azure-studio", output=output)
    assert as_text.response.values == [["3.2"]]
    as_number = joined(body, format="azure-studio", output=output, problem_type="regression")
    assert as_number.response.values == [[3.2]]


def test_part_of_a_table_that_lacks_a_column_is_no_answer() -> None:
    with pytest.raises(EngineReplyError, match="different columns"):
        joined({"fields": ["a", "b"], "values": [[1, 2]]}, {"fields": ["b"], "values": [[3]]})


def test_each_part_may_state_an_order_of_classes() -> None:
    output = OutputSettings(prediction="l", probability="p", probability_of="each", labels=("No Risk", "Risk"))
    body: dict[str, Any] = {"fields": ["l", "p"], "values": [["Risk", [0.25, 0.75]]]}
    right, wrong = body | {"labels": ["No Risk", "Risk"]}, body | {"labels": ["Risk", "No Risk"]}
    assert joined(right, wrong, output=output).labels_contradict
    assert not joined(right, right, output=output).labels_contradict


@pytest.mark.parametrize(("stated", "contradicts"), [(["No Risk", "Risk"], False), (["Risk", "No Risk"], True)])
def test_platform_that_states_another_order_of_classes_is_noticed(stated: list[str], contradicts: bool) -> None:
    output = OutputSettings(prediction="prediction", probability="p", probability_of="each", labels=("No Risk", "Risk"))
    built = pipeline(output=output)
    request = ScoringRequest([[1]], ["a"])
    parts = built.encode(request)
    body = {"fields": ["prediction", "p"], "labels": stated, "values": [["Risk", [0.2, 0.8]]]}
    decoded = built.decode(request, parts, [answered(body)])
    assert decoded.response.values == [["Risk", [0.2, 0.8]]]
    assert decoded.labels_contradict is contradicts


@pytest.mark.parametrize(
    ("configured", "endpoint_seconds", "seconds"),
    [({"timeout_seconds": 7.0}, 8.0, 7.0), ({}, 8.0, 8.0), ({}, None, 5.0)],
)
def test_time_limit_is_the_nearest_that_is_stated(
    configured: dict[str, Any], endpoint_seconds: float | None, seconds: float
) -> None:
    pipeline = pipelines().of(deployment(endpoint_seconds=endpoint_seconds, **configured))
    assert pipeline.seconds_for(1) == pipeline.request_seconds == seconds


@pytest.mark.parametrize(("n_parts", "seconds"), [(1, 8.0), (4, 8.0), (5, 16.0), (9, 24.0)])
def test_parts_that_wait_for_each_other_have_a_time_limit_each_unless_one_is_configured(
    n_parts: int, seconds: float
) -> None:
    assert pipelines().of(deployment(endpoint_seconds=8.0)).seconds_for(n_parts) == seconds
    assert pipelines().of(deployment(endpoint_seconds=8.0, timeout_seconds=7.0)).seconds_for(n_parts) == 7.0


def test_pipeline_is_compiled_once_until_the_deployment_changes_and_keeps_its_circuit() -> None:
    compiled, first = pipelines(), deployment()
    assert compiled.of(first) is compiled.of(first)
    changed = deployment(timeout_seconds=1.0)
    assert compiled.of(changed) is not compiled.of(first)
    assert compiled.of(changed).circuit is compiled.of(first).circuit


@pytest.mark.parametrize("formats", [{"format": None}, {"format": None, "request": {"format": "csv"}}])
def test_deployment_without_formats_says_what_to_configure(formats: dict[str, Any]) -> None:
    with pytest.raises(DeploymentNotConfiguredError, match=r"engines\.aws\.defaults"):
        pipelines().of(deployment(**formats))


def test_discovered_endpoint_without_settings_says_what_to_configure() -> None:
    bare = Deployment(id="aws--model", engine="aws", endpoint=Endpoint(name="model"), settings=None)
    with pytest.raises(DeploymentNotConfiguredError, match="endpoint model"):
        pipelines().of(bare)


def test_open_circuits_are_listed_by_deployment() -> None:
    compiled = pipelines()
    circuit = compiled.of(deployment()).circuit
    assert compiled.open_circuits() == []
    open_up(circuit)
    assert compiled.open_circuits() == ["credit"]


def test_deployment_that_is_gone_leaves_nothing_behind() -> None:
    compiled, gone = pipelines(), deployment()
    before = compiled.of(gone)
    open_up(before.circuit)
    compiled.forget("credit")
    compiled.forget("never-called")
    assert compiled.open_circuits() == []
    assert compiled.of(gone) is not before
    assert not compiled.of(gone).circuit.is_open


CSV = {"format": "sagemaker-linear-learner", "log": "native", "input": InputSettings(fields=("a", "b"))}


def test_native_body_goes_on_as_it_is_and_is_recorded_in_fields_values() -> None:
    content = b'1, 2.50\r\n"x,y",\n\n'
    request, (part,) = pipeline(**CSV).read_native(content, "text/csv; charset=utf-8")
    assert request == ScoringRequest([[1, 2.5], ["x,y", None]], ["a", "b"])
    assert (part.request.body, part.n_rows) == (content, 2)
    assert (part.request.content_type, part.request.accept) == ("text/csv; charset=utf-8", "application/json")


def test_native_body_of_no_type_is_sent_as_what_the_format_writes() -> None:
    for content_type in (None, ""):
        _, (part,) = pipeline(**CSV).read_native(b"1,2", content_type)
        assert part.request.content_type == "text/csv"


def test_constants_of_a_native_body_stay_out_of_its_record() -> None:
    built = pipeline(format="azureml", log="native", input=InputSettings(constants={"k": 1}))
    request, _ = built.read_native(b'{"input": [{"a": 1, "k": 5}, {"b": 2}]}', None)
    assert request == ScoringRequest([[1, None], [None, 2]], ["a", "b"])


@settings(deadline=None)
@given(
    st.sampled_from(["sagemaker-linear-learner", "azureml", "mlflow", "tf-serving"]),
    st.permutations(["a", "b"]),
    st.lists(st.lists(st.integers(-9, 9) | st.none(), min_size=2, max_size=2), min_size=1, max_size=5),
)
def test_what_the_gateway_sends_is_read_as_the_request_that_it_came_from(
    preset: str, fields: list[str], values: list[list[int | None]]
) -> None:
    built = pipeline(**{**CSV, "format": preset})
    (part,) = built.encode(ScoringRequest(values, fields))
    request, (again,) = built.read_native(part.request.body, part.request.content_type)
    assert request.fields == ["a", "b"]
    assert request.values == [[row[fields.index("a")], row[fields.index("b")]] for row in values]
    assert again == part
