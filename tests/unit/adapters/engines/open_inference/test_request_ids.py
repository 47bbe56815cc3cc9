import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.engines.open_inference.request_ids import ID_BYTES, with_id

SCORING_ID = "0193500000007000800000000000000a"
MEMBERS = st.sampled_from(["id", "inputs", "", '"id"', "\\"]) | st.text(max_size=3)
VALUES = st.integers() | st.text(max_size=3) | st.lists(MEMBERS, max_size=2)


@given(st.dictionaries(MEMBERS, VALUES, max_size=3), st.sampled_from([None, 2]))
def test_a_request_keeps_its_members_and_gains_an_id_unless_it_has_one(request_, indent):
    body = json.dumps(request_, indent=indent).encode()
    sent = with_id(body, SCORING_ID)
    assert json.loads(sent) == {"id": SCORING_ID} | request_
    assert len(sent) <= len(body) + ID_BYTES


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b'{"inputs":[1e-6]}', b'{"id":"0193500000007000800000000000000a","inputs":[1e-6]}'),
        (b' { "inputs" : [] }', b'{"id":"0193500000007000800000000000000a","inputs" : [] }'),
        (b"{ }", b'{"id":"0193500000007000800000000000000a"}'),
        (b'{"inputs":[{"id":1}],"id":"theirs"}', b'{"inputs":[{"id":1}],"id":"theirs"}'),
        (b'{"id":null}', b'{"id":null}'),
    ],
)
def test_the_rest_is_sent_as_it_was_written(body, sent):
    assert with_id(body, SCORING_ID) == sent


@pytest.mark.parametrize("body", [b"", b"[1]", b'"{}"', b'{"inputs":', b"\x00\xff", b"{}{}", b'{"a":' * 5000])
def test_what_is_no_json_object_is_sent_as_it_is(body):
    assert with_id(body, SCORING_ID) == body
