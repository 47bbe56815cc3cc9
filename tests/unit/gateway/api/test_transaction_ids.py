import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.api.transaction_ids import TRANSACTION_ID_HEADER, echo_transaction_id, transaction_id
from schemas.errors import InvalidRequestError


def carrying(text: str | None) -> web.Request:
    return make_mocked_request("POST", "/", headers={} if text is None else {TRANSACTION_ID_HEADER: text})


@pytest.mark.parametrize("text", ["loans-4711", " ", "~" * 128])
def test_what_fits_is_taken_as_it_is(text: str) -> None:
    assert transaction_id(carrying(text)) == text


@pytest.mark.parametrize("text", [None, ""])
def test_nothing_is_no_id(text: str | None) -> None:
    assert transaction_id(carrying(text)) is None
    assert TRANSACTION_ID_HEADER not in echo_transaction_id(carrying(text), web.Response()).headers


@settings(deadline=None)
@given(st.text(max_size=140))
def test_an_id_is_echoed_just_where_it_would_be_recorded(text: str) -> None:
    request = carrying(text)
    try:
        accepted = transaction_id(request)
    except InvalidRequestError:
        accepted = None
    assert echo_transaction_id(request, web.Response()).headers.get(TRANSACTION_ID_HEADER) == accepted
