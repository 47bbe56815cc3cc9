import json

import pytest

from adapters.testing.sagemaker.models import LinearLearner, ModelFailureError

BINARY = LinearLearner(weights=(1.0, -1.0))
CSV = b"2,1\n1,2\n1,1"


def test_binary_answers_score_and_label():
    body, content_type = BINARY(CSV, "text/csv", "application/json")
    rows = json.loads(body)["predictions"]
    assert content_type == "application/json"
    assert [row["predicted_label"] for row in rows] == [1, 0, 1]
    assert rows[0]["score"] == pytest.approx(0.7310585786)
    assert rows[0]["score"] + rows[1]["score"] == pytest.approx(1)


def test_the_threshold_decides_the_label():
    rows = json.loads(LinearLearner(weights=(1.0, -1.0), threshold=0.8)(CSV, "text/csv", None)[0])["predictions"]
    assert [row["predicted_label"] for row in rows] == [0, 0, 0]


def test_scores_of_any_size_stay_probabilities():
    rows = json.loads(BINARY(b"1e6,0\n0,1e6", "text/csv", None)[0])["predictions"]
    assert [row["score"] for row in rows] == [1.0, 0.0]


def test_regression_answers_the_value_alone():
    regressor = LinearLearner(weights=(2.0,), bias=1.0, predictor="regressor")
    assert json.loads(regressor(b"3\n4", "text/csv", None)[0]) == {"predictions": [{"score": 7.0}, {"score": 9.0}]}


@pytest.mark.parametrize(
    "instance", [{"features": [2, 1]}, {"data": {"features": {"values": [2, 1]}}}], ids=["short", "long"]
)
def test_json_rows_score_as_csv_rows_do(instance):
    body = json.dumps({"instances": [instance]}).encode()
    assert BINARY(body, "application/json", None) == BINARY(b"2,1", "text/csv", None)


def test_jsonlines_has_one_row_a_line():
    body, content_type = BINARY(CSV, "text/csv", "application/jsonlines")
    assert content_type == "application/jsonlines"
    expected = json.loads(BINARY(CSV, "text/csv", "application/json")[0])["predictions"]
    assert [json.loads(line) for line in body.splitlines()] == expected


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status"),
    [
        (b"1,2,3", "text/csv", None, 400),
        (b"1,", "text/csv", None, 400),
        (b"1,yes", "text/csv", None, 400),
        (b'{"instances": [{}]}', "application/json", None, 400),
        (b"[]", "application/json", None, 400),
        (b"no json", "application/json", None, 400),
        (b"1,2", "text/csv; charset=utf-8", None, 415),
        (b"1,2", "text/csv", "text/csv", 406),
    ],
)
def test_what_the_container_cannot_take_fails_with_its_status(body, content_type, accept, status):
    with pytest.raises(ModelFailureError) as caught:
        BINARY(body, content_type, accept)
    assert caught.value.status == status
