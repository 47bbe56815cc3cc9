import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.public_ids import is_generated_id, public_id_of


def test_a_plain_name_stays_readable() -> None:
    assert public_id_of("aws", "credit-risk-2") == "aws--credit-risk-2"


def test_another_name_gets_a_digest() -> None:
    assert public_id_of("aws", "a/b_c") == "aws--a-b-c-ab14be70"
    assert public_id_of("aws", "a.b_c") != public_id_of("aws", "a/b_c")


@given(st.text(min_size=1))
def test_every_id_can_stand_in_a_url_and_is_known_as_generated(endpoint: str) -> None:
    public_id = public_id_of("aws", endpoint)
    assert re.fullmatch(r"[A-Za-z0-9-]+", public_id)
    assert is_generated_id(public_id, ["azure", "aws"])


@pytest.mark.parametrize("name", ["aws", "aws--", "aws-x", "other--x"])
def test_other_ids_are_not_generated(name: str) -> None:
    assert not is_generated_id(name, ["aws"])
