import math
import sys

import pytest

from adapters.formats.datatypes import DATATYPES, common_datatype, written
from schemas.errors import UnprocessableRequestError


@pytest.mark.parametrize(
    ("cells", "datatype"),
    [
        ([1, 2], "INT64"),
        ([1, 2**63], "UINT64"),
        ([1, 2.5], "FP64"),
        ([True], "BOOL"),
        (["a", 1], "BYTES"),
        ([2**53 + 1, {"a": 1}], "INT64"),
        ([None, 2**63], "UINT64"),
        ([1, 0.5, "x"], "FP64"),
        ([None], "FP64"),
        ([], "FP64"),
    ],
)
def test_the_datatype_follows_from_the_values(cells, datatype):
    assert common_datatype(cells) == datatype


@pytest.mark.parametrize("datatype", DATATYPES)
def test_null_fits_no_datatype(datatype):
    with pytest.raises(UnprocessableRequestError) as caught:
        written([None], datatype, lambda k: (k, 5))
    assert caught.value.target == "values[0][5]"


@pytest.mark.parametrize(
    ("datatype", "low", "high"), [("INT8", -128, 127), ("UINT8", 0, 255), ("INT64", -(2**63), 2**63 - 1)]
)
def test_integers_fit_within_their_bounds(datatype, low, high):
    assert written([low, high], datatype, lambda k: (k, 0)) == [low, high]
    for beyond in (low - 1, high + 1):
        with pytest.raises(UnprocessableRequestError):
            written([beyond], datatype, lambda k: (k, 0))


@pytest.mark.parametrize(
    ("datatype", "largest", "beyond"),
    [
        ("FP16", 65504, 65505),
        ("FP16", 65504.0, 70000.0),
        ("BF16", 3.3895313892515355e38, 1e39),
        ("BF16", 3.3895314e38, 3.4e38),
        ("FP32", 3.4028234663852886e38, 1e300),
        ("FP32", 3.4028235e38, 3.41e38),
        ("FP64", sys.float_info.max, 10**400),
        ("FP64", int(sys.float_info.max), int(sys.float_info.max) + 1),
    ],
)
def test_numbers_that_a_float_would_make_infinite_are_refused(datatype, largest, beyond):
    assert written([largest, -largest], datatype, lambda k: (k, 0)) == [largest, -largest]
    for number in (beyond, -beyond):
        with pytest.raises(UnprocessableRequestError) as caught:
            written([0.5, number], datatype, lambda k: (k, 3))
        assert caught.value.target == "values[1][3]"
        assert datatype in caught.value.message


@pytest.mark.parametrize("datatype", ["FP16", "BF16", "FP32", "FP64"])
@pytest.mark.parametrize("cell", [math.nan, math.inf, -math.inf, True, "1"])
def test_what_is_no_finite_number_fits_no_float(datatype, cell):
    with pytest.raises(UnprocessableRequestError):
        written([cell], datatype, lambda k: (k, 0))


def test_integers_that_a_double_would_round_are_refused_by_their_place():
    assert written([2**53, 2**60, 0.1], "FP64", lambda k: (k, 0)) == [2**53, 2**60, 0.1]
    for number in (2**53 + 1, -(2**53) - 1, 2**60 + 1):
        with pytest.raises(UnprocessableRequestError) as caught:
            written([0.5, number], "FP64", lambda k: (k, 3))
        assert caught.value.target == "values[1][3]"


def test_what_the_smaller_floats_round_is_left_to_the_model():
    assert written([2**24 + 1, 0.1], "FP32", lambda k: (k, 0)) == [2**24 + 1, 0.1]
