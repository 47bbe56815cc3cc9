"""A golden file is one call: a caller's request and answer, and the bodies that its platform takes and gives."""

import json
import math
from pathlib import Path

import msgspec
import pytest

from adapters.base import Body
from adapters.formats import csv, jsonlines, rows, table, tensors
from adapters.formats.presets import presets
from adapters.formats.text_cells import text_rows
from gateway.codecs import build_formats, build_request_reader, find_format_problems
from gateway.mapping import Mapping, ambiguities
from schemas.configuration import DeploymentSettings
from schemas.errors import EngineReplyError
from schemas.scoring import ScoringRequest, parse_scoring_request

GOLDEN = Path(__file__).parents[2] / "golden"
CASES = sorted(str(path.relative_to(GOLDEN).with_suffix("")) for path in GOLDEN.glob("*/*.json"))


class BuiltIn:
    """The codecs and presets of this repository."""

    def format(self, kind):
        return {module.plugin.kind: module.plugin for module in (csv, jsonlines, rows, table, tensors)}[kind]

    def preset(self, name):
        return {preset.name: preset for preset in presets}[name]

    def package(self, group, kind):
        return "this one"


class Case:
    def __init__(self, name):
        content = json.loads((GOLDEN / f"{name}.json").read_text())
        self.source = content["source"]
        self.request = parse_scoring_request(json.dumps(content["request"]).encode()).request
        self.response = content["response"]
        self.native_request = content["native_request"]
        self.native_response = content["native_response"]
        self.settings = msgspec.convert(content["deployment"], DeploymentSettings)
        self.request_format, self.response_format = build_formats(BuiltIn(), self.settings)
        self.mapping = Mapping.build(self.settings.input, self.settings.output)


@pytest.fixture(params=CASES)
def case(request):
    return Case(request.param)


def same(left, right):
    """Compare like ==, but numbers up to the last digits that `1 - p` leaves open."""
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-12)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def test_the_settings_are_free_of_ambiguity_and_say_where_they_come_from(case):
    assert case.source
    assert ambiguities(case.settings.input, case.settings.output) == []


def test_the_native_request_is_what_the_platform_takes(case):
    body = case.request_format.encode(case.mapping.to_native(case.request))
    assert body.content.decode() == case.native_request["body"]
    assert body.content_type == case.native_request["content_type"]


def test_the_native_response_is_answered_in_fields_and_values(case):
    native = Body(case.native_response["body"].encode(), case.native_response["content_type"])
    answer = case.mapping.from_native(case.response_format.decode(native, len(case.request.values)), case.request)
    assert answer.fields == case.response["fields"]
    assert answer.labels == case.response.get("labels")
    assert same(answer.values, case.response["values"])
    assert case.mapping.output_fields in (None, answer.fields)
    assert case.mapping.contradictions(answer) == 0


def test_the_native_request_is_read_back_as_the_rows_that_it_was_made_from(case):
    table = case.mapping.to_native(case.request)
    reader = build_request_reader(BuiltIn(), case.settings, table.columns)
    read = reader.decode(Body(case.native_request["body"].encode(), case.native_request["content_type"]), None)
    assert table.columns is None or tuple(read.columns) == tuple(table.columns)
    # Strings stay strings: whether "33" was a number, only its platform's types would say.
    written = text_rows(table.rows) if case.settings.format == "azure-studio" else table.rows
    assert [list(row) for row in read.rows] == [list(row) for row in written]


def test_another_number_of_rows_is_refused(case):
    native = Body(case.native_response["body"].encode(), case.native_response["content_type"])
    with pytest.raises(EngineReplyError, match="row"):
        case.response_format.decode(native, len(case.request.values) + 7)


def test_a_row_without_the_score_of_a_class_is_refused_alone_and_among_others():
    case = Case("rows/hugging-face-all-scores")
    lacking, whole = '[{"label": "NEGATIVE", "score": 0.4}]', json.dumps(json.loads(case.native_response["body"])[0])
    for scores in ([lacking], [lacking, whole], [whole, lacking]):
        request = ScoringRequest([["fine"]] * len(scores), ["text"])
        table = case.response_format.decode(Body(f"[{','.join(scores)}]".encode(), "application/json"), len(scores))
        with pytest.raises(EngineReplyError, match=r"has no column|in `POSITIVE` is missing"):
            case.mapping.from_native(table, request)


def test_every_preset_has_a_golden_call_and_can_be_built():
    assert {preset.name for preset in presets} <= {name.split("/")[0] for name in CASES}
    for preset in presets:
        assert find_format_problems(BuiltIn(), DeploymentSettings(format=preset.name)) == []
