"""Native bodies are read by real codecs, or refused as the bodies that they are."""

import pytest

from adapters.base import Body
from gateway.native_requests import about_a_request, read_table
from schemas.configuration import DeploymentSettings
from schemas.deployment import Limits
from schemas.errors import InvalidRequestError, UnprocessableRequestError
from schemas.table import Table
from tests.fakes.gateways import registry

NO_LIMITS = Limits()


def read(content: bytes, preset: str = "sagemaker-linear-learner", limits: Limits = NO_LIMITS) -> Table:
    reader = registry().compile_request_reader(DeploymentSettings(format=preset), ("a", "b"))
    return read_table(reader, Body(content, ""), limits)


@pytest.mark.parametrize(
    ("preset", "content"),
    [
        ("sagemaker-linear-learner", b"1,2,3\n"),
        ("sagemaker-linear-learner", b"1,2\n3\n"),
        ("sagemaker-linear-learner", b"\xff"),
        ("azureml", b""),
        ("azureml", b"1,2"),
        ("azureml", b'{"instances": [[1, 2]]}'),
        ("azureml", b'{"input": [{"a": 1}, 5]}'),
        ("azureml", b'{"error": "secret"}'),
        ("mlflow", b'{"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}'),
        ("mlflow", b'{"dataframe_split": {"columns": ["a"], "data": [[1, 2], [1]]}}'),
        ("tf-serving", b'{"instances": {"a": 1}}'),
        ("tf-serving", b"[" * 70 + b"]" * 70),
    ],
)
def test_body_that_is_not_of_the_endpoints_form_is_refused_as_a_body(preset: str, content: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="not in the endpoint's own form: ") as refused:
        read(content, preset)
    sentence = refused.value.message.partition(": ")[2]
    assert "answer" not in sentence
    assert "secret" not in sentence


@pytest.mark.parametrize(("limits", "n_rows"), [(Limits(max_rows=2), 3), (Limits(max_bytes=11), 3), (Limits(), 0)])
def test_native_body_that_the_endpoint_would_not_take_at_once_is_not_split(limits: Limits, n_rows: int) -> None:
    with pytest.raises(UnprocessableRequestError, match=r"a body in its own form is not split|nothing to score"):
        read(b"1,2\n" * n_rows, limits=limits)


def test_native_body_within_the_limits_is_taken() -> None:
    assert len(read(b"1,2\n" * 3, limits=Limits(max_rows=3, max_bytes=12)).rows) == 3


@pytest.mark.parametrize(
    ("of_an_answer", "of_a_request"),
    [
        ("The endpoint's answer has no rows at `input`.", "The body has no rows at `input`."),
        ("Row 3 of the answer is a string, not an array.", "Row 3 of the body is a string, not an array."),
        ("The answer names a column twice.", "The body names a column twice."),
        ("The endpoint answered with a text instead of rows.", "The body is a text instead of rows."),
        ("The endpoint answered 200 with an error instead of rows.", "The body is an error instead of rows."),
        ("The endpoint's answer has no `outputs`.", "The body has no `inputs`."),
        ("The output `a` of the answer has no `shape`.", "The tensor `a` of the body has no `shape`."),
    ],
)
def test_what_is_wrong_with_a_request_is_not_said_of_an_answer(of_an_answer: str, of_a_request: str) -> None:
    assert about_a_request(of_an_answer) == of_a_request
