import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from adapters.base import Body, FormatPlugin, Preset
from gateway.codecs import build_formats, build_request_reader, find_format_problems, merged_options
from gateway.registry import Registry
from schemas.configuration import DeploymentSettings, Settings
from schemas.errors import ConfigurationError
from schemas.table import Table

PRESET = {"format": "table", "at": "input_data", "columns": "columns"}


@pytest.mark.parametrize(
    ("override", "merged"),
    [
        ({}, PRESET),
        ({"at": "x"}, {**PRESET, "at": "x"}),
        ({"format": "table", "at": "x"}, {**PRESET, "at": "x"}),
        ({"format": "rows"}, {"format": "rows"}),
        ({"at": None}, {**PRESET, "at": None}),
    ],
)
def test_an_override_changes_single_options_unless_it_names_another_codec(
    override: dict[str, object], merged: dict[str, object]
) -> None:
    assert merged_options(PRESET, override) == merged


def test_without_a_preset_the_override_is_all() -> None:
    assert merged_options({}, {"format": "rows"}) == {"format": "rows"}


TENSORS = DeploymentSettings(request={"format": "tensors"}, response={"format": "tensors"})
DESCRIBED = {"tensors": {"datatypes": {"Age": "FP32"}, "rank": 1}, "csv": {"header": True}}


def encoded(settings: DeploymentSettings) -> dict[str, object]:
    request, _ = build_formats(Registry.load(), settings, DESCRIBED)
    tensor: dict[str, object] = json.loads(request.encode(Table(("Age",), [[33]])).content)["inputs"][0]
    return tensor


def test_what_an_endpoint_says_about_its_requests_is_an_option_of_their_codec() -> None:
    assert encoded(TENSORS) == {"name": "Age", "shape": [1], "datatype": "FP32", "data": [33]}


def test_an_option_of_the_deployment_counts_more_than_what_the_endpoint_says() -> None:
    settings = DeploymentSettings(request={"format": "tensors", "rank": 2}, response={"format": "tensors"})
    assert encoded(settings) == {"name": "Age", "shape": [1, 1], "datatype": "FP32", "data": [33]}


def test_what_an_endpoint_says_for_another_codec_is_not_looked_at() -> None:
    settings = DeploymentSettings(format="azureml")
    request, _ = build_formats(Registry.load(), settings, DESCRIBED)
    assert json.loads(request.encode(Table(("Age",), [[33]])).content) == {"input": [{"Age": 33}]}


def test_options_of_an_endpoint_that_do_not_work_are_refused_with_their_place() -> None:
    with pytest.raises(ConfigurationError, match=r"^request: .*datatypes\.Age"):
        build_formats(Registry.load(), TENSORS, {"tensors": {"datatypes": {"Age": "REAL"}}})


@pytest.mark.parametrize(
    ("settings", "body", "names"),
    [
        (DeploymentSettings(format="sagemaker-linear-learner"), b"33,1\n", ("Age", "Job")),
        (DeploymentSettings(format="tf-serving"), b'{"instances": [[33, 1]]}', ("Age", "Job")),
        (DeploymentSettings(format="azureml"), b'{"input": [{"b": 33, "a": 1}]}', ("b", "a")),
        (DeploymentSettings(format="azureml", request={"format": "csv", "fields": ["x", "y"]}), b"33,1\n", ("x", "y")),
        (DeploymentSettings(format="azureml", request={"format": "csv", "header": True}), b"x,y\n33,1\n", ("x", "y")),
    ],
)
def test_a_request_is_read_with_its_own_names_or_those_of_the_endpoints_columns(
    settings: DeploymentSettings, body: bytes, names: tuple[str, str]
) -> None:
    reader = build_request_reader(Registry.load(), settings, ("Age", "Job"))
    assert reader.decode(Body(body, ""), None).columns == names
    assert list(reader.decode(Body(body, ""), None).rows[0]) == [33, 1]


def test_what_an_endpoint_says_about_its_requests_counts_when_they_are_read() -> None:
    reader = build_request_reader(Registry.load(), DeploymentSettings(request={"format": "csv"}), None, DESCRIBED)
    assert reader.decode(Body(b"x\n33\n", "text/csv"), None).columns == ("x",)


class NeedySettings(Settings, frozen=True, kw_only=True):
    depth: int


def built(build: Callable[[NeedySettings], Any], **options: Any) -> tuple[str, str]:
    """Return the problem of a request whose codec is built so."""

    class Plugins:
        def format(self, kind: str) -> FormatPlugin:
            return FormatPlugin(kind=kind, settings=NeedySettings, build=build)

        def preset(self, name: str) -> Preset:
            return Preset(name=name, request={"format": "odd"}, response={"format": "odd", "depth": 1})

        def package(self, group: str, kind: str) -> str:
            return "odd-plugins 0.9"

    settings = DeploymentSettings(request={"format": "odd"} | options, response={"format": "odd"} | options)
    problem, _ = find_format_problems(Plugins(), settings)
    return problem


def fails(error: BaseException) -> Callable[[NeedySettings], Any]:
    def build(settings: NeedySettings) -> Any:
        raise error

    return build


class PanicError(BaseException):
    """As extensions in other languages raise it: no Exception."""


@pytest.mark.parametrize(
    ("build", "options", "sentence"),
    [
        (fails(ValueError("Too deep")), {"depth": 1}, r"Too deep\."),
        (fails(ValueError("Too deep")), {}, r"The option depth is missing: odd needs it\."),
        (fails(ValueError("Too deep")), {"depth": "planted-value"}, "A value is not of the type that its option has."),
        (
            fails(ZeroDivisionError("planted-value")),
            {"depth": 1},
            r"The format odd of odd-plugins .*: its `build` failed with ZeroDivisionError \(.*codecs\.py:\d+ build\)\.",
        ),
        (fails(PanicError("planted-value")), {"depth": 1}, r"The format odd of .* failed with PanicError \(.*\)\."),
        (fails(SystemExit(1)), {"depth": 1}, r"The format odd of .* failed with SystemExit \(.*\)\."),
        (
            lambda _: None,
            {"depth": 1},
            r"The format odd of odd-plugins 0\.9: its `build` returned a NoneType, expected is a Format\.",
        ),
    ],
)
def test_a_codec_that_can_not_be_built_is_a_problem_in_the_name_of_whose_fault_it_is(
    build: Callable[[NeedySettings], Any], options: dict[str, Any], sentence: str
) -> None:
    place, told = built(build, **options)
    assert place == "request"
    assert re.fullmatch(sentence, told)


def test_names_that_no_codec_takes_are_refused_with_their_place() -> None:
    with pytest.raises(ConfigurationError, match=r"^request: `fields`"):
        build_request_reader(Registry.load(), DeploymentSettings(request={"format": "csv"}), ("a", "a"))
