from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import json

from schemas.errors import InvalidRequestError, UnprocessableRequestError
from schemas.json_schemas import json_schema
from schemas.scoring import MAX_NESTING, RequestMeta, ScoringRequest, parse_scoring_request
from tests.corpus.malformed import Malformed, corpus
from tests.corpus.mutated import GOOD, mutated
from tests.unit.schemas.instances import JSON, instances

SCHEMA = json_schema("scoring-request")
VALIDATOR = Draft202012Validator(SCHEMA)


def blocks(body: dict[str, Any]) -> list[dict[str, Any]]:
    elements = body.get("input_data", [body])
    return elements + [element["meta"] for element in elements if "meta" in element]


def consistent(body: dict[str, Any]) -> bool:
    """What JSON Schema can't say of a body that follows the schema."""
    for block in blocks(body):
        widths = {len(row) for row in block["values"]} | ({len(block["fields"])} if "fields" in block else set())
        if len(widths) > 1:
            return False
    elements = body.get("input_data", [body])
    if any(len(element["meta"]["values"]) != len(element["values"]) for element in elements if "meta" in element):
        return False
    shapes = [(element.get("fields"), element.get("meta", {}).get("fields")) for element in elements]
    unnamed = {len(row) for element in elements if "fields" not in element for row in element["values"]}
    return all(shape == shapes[0] for shape in shapes) and len(unnamed) <= 1


def accepts(body: bytes) -> bool:
    try:
        parse_scoring_request(body)
    except (InvalidRequestError, UnprocessableRequestError):
        return False
    return True


def expected(body: Any) -> bool:
    return VALIDATOR.is_valid(body) and consistent(body)


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.lists(st.integers(), max_size=2),
)


@st.composite
def tables(draw: st.DrawFn, n_rows: int | None = None) -> dict[str, Any]:
    fields = draw(st.lists(st.text(), min_size=1, max_size=4, unique=True))
    size = {"max_size": 4} if n_rows is None else {"min_size": n_rows, "max_size": n_rows}
    rows = st.lists(st.lists(CELLS, min_size=len(fields), max_size=len(fields)), **size)
    return {"fields": fields, "values": draw(rows)}


@given(instances(SCHEMA).filter(VALIDATOR.is_valid))
def test_what_follows_the_schema_is_accepted_unless_rows_contradict(body: Any) -> None:
    assert accepts(json.encode(body)) == consistent(body)


@given(st.dictionaries(st.sampled_from(("fields", "values", "meta", "input_data", "x")), JSON, max_size=3))
def test_any_other_body_is_accepted_only_by_both(body: Any) -> None:
    assert accepts(json.encode(body)) == expected(body)


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_decoder_and_schema_agree_on_damaged_requests(seed: int) -> None:
    for text in mutated(20, seed):
        try:
            body = json.decode(text)
        except (ValueError, UnicodeDecodeError):
            # Below a name that is ignored, the decoder reads over a number that no double holds.
            assert not accepts(text) or b"1e400" in text
        else:
            # Of a name that stands twice the decoder wants every value to be valid, the schema sees the last.
            assert accepts(text) == expected(body) or _repeats_a_name(text)


def _repeats_a_name(text: bytes) -> bool:
    return any(text.count(b'"%b"' % name) > 1 for name in (b"fields", b"values", b"meta", b"input_data"))


@given(tables())
def test_rows_and_names_come_through_unchanged(table: dict[str, Any]) -> None:
    parsed = parse_scoring_request(json.encode(table))
    assert parsed.request == ScoringRequest(table["values"], table["fields"])
    assert parsed.parts is None


@given(st.integers(0, 4).flatmap(lambda n: st.tuples(tables(n_rows=n), tables(n_rows=n))))
def test_meta_is_kept_beside_its_rows(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    table, meta = pair
    request = parse_scoring_request(json.encode({**table, "meta": meta})).request
    assert request.meta == RequestMeta(meta["fields"], meta["values"])


def test_elements_are_joined_in_their_order_and_counted() -> None:
    elements = [
        {"fields": ["a"], "values": [[1]], "meta": {"fields": ["m"], "values": [["x"]]}},
        {"fields": ["a"], "values": [], "meta": {"fields": ["m"], "values": []}},
        {"fields": ["a"], "values": [[2], [3]], "meta": {"fields": ["m"], "values": [["y"], ["z"]]}},
    ]
    parsed = parse_scoring_request(json.encode({"input_data": elements}))
    assert parsed.parts == (1, 0, 2)
    assert parsed.request.values == [[1], [2], [3]]
    assert parsed.request.meta == RequestMeta(["m"], [["x"], ["y"], ["z"]])


def test_unnamed_elements_without_rows_have_no_width() -> None:
    body = {"input_data": [{"values": []}, {"values": [[1, 2]]}, {"values": []}, {"values": [[3, 4]]}]}
    assert parse_scoring_request(json.encode(body)).parts == (0, 1, 0, 1)


@pytest.mark.parametrize("case", corpus(), ids=lambda case: case.name)
def test_malformed_bodies_are_refused_with_their_place(case: Malformed) -> None:
    with pytest.raises((InvalidRequestError, UnprocessableRequestError)) as refusal:
        parse_scoring_request(case.body)
    assert isinstance(refusal.value, UnprocessableRequestError) == (case.status == 422)
    if case.target is not None:
        assert refusal.value.target == case.target


def test_the_corpus_is_large_and_its_names_are_distinct() -> None:
    cases = corpus()
    assert len(cases) >= 200
    assert len({case.name for case in cases}) == len(cases)


def test_damaged_bodies_are_accepted_or_refused_and_never_a_fault() -> None:
    accepted = [accepts(body) for body in mutated(5_000)]
    assert len(accepted) == 5_000
    assert sum(accepted) < 2_500


@pytest.mark.parametrize("body", GOOD, ids=str)
def test_what_the_damaged_bodies_come_from_is_good(body: dict[str, Any]) -> None:
    assert accepts(json.encode(body))


def test_the_byte_that_is_not_utf8_is_named_in_a_large_body_too() -> None:
    body = '{"values":[["€'.encode() + "€".encode() * 700_000 + b'\xff"]]}'
    with pytest.raises(InvalidRequestError, match=rf"byte {len(body) - 5}\b"):
        parse_scoring_request(body)


@pytest.mark.parametrize("letters", range(4))
def test_characters_across_slices_are_read(letters: int) -> None:
    cell = "x" * letters + "😀" * 300_000
    assert parse_scoring_request(json.encode({"values": [[cell]]})).request.values == [[cell]]


def test_a_body_may_be_nested_as_deeply_as_stated() -> None:
    cell = b"[" * (MAX_NESTING - 3) + b"]" * (MAX_NESTING - 3)
    assert accepts(b'{"values":[[' + cell + b"]]}")
    assert not accepts(b'{"values":[[[' + cell + b"]]]}")


@pytest.mark.parametrize("integer", [2**53 + 1, -(2**63), 2**64, 10**300])
def test_large_integers_keep_their_digits(integer: int) -> None:
    assert parse_scoring_request(json.encode({"values": [[integer]]})).request.values == [[integer]]


def test_no_message_quotes_the_payload() -> None:
    secret = "s3cr3t"
    bodies: list[Any] = [
        {"fields": [secret, secret], "values": []},
        {"fields": ["a"], "values": [[secret, secret]]},
        {"fields": ["a"], "values": secret},
        {"input_data": [{"fields": [secret], "values": []}, {"fields": ["b"], "values": []}]},
        secret,
    ]
    for body in bodies:
        with pytest.raises((InvalidRequestError, UnprocessableRequestError)) as refusal:
            parse_scoring_request(json.encode(body))
        assert secret not in f"{refusal.value} {refusal.value.target}"
