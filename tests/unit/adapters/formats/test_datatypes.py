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
