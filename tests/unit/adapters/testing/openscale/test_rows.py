import msgspec
import pytest

from adapters.testing.openscale.rows import Row, exploded, page, parse_payloads, parse_records, transactions

RECORD: dict[str, object] = {
    "request": {"fields": ["Age", "Job"], "values": [[33, "a"], [40, "b"]]},
    "response": {"fields": ["prediction", "Age"], "values": [["Risk", "33"], ["No Risk", "40"]], "labels": ["Risk"]},
    "scoring_id": "5f0c",
    "scoring_timestamp": "2026-11-21T10:00:00.123456Z",
    "response_time": 42,
    "multiple_records": True,
    "user_id": "app",
}


def body(**changes: object) -> bytes:
    record = {name: value for name, value in {**RECORD, **changes}.items() if value is not None}
    return msgspec.json.encode([record])


def test_a_record_explodes_into_numbered_rows_whose_echoed_inputs_collapse() -> None:
    [record] = parse_records(body())
    common = {"scoring_timestamp": "2026-11-21T10:00:00.123456Z", "asset_revision": None}
    assert list(exploded(record)) == [
        {"scoring_id": "5f0c-1", **common, "Age": 33, "Job": "a", "prediction": "Risk"},
        {"scoring_id": "5f0c-2", **common, "Age": 40, "Job": "b", "prediction": "No Risk"},
    ]


def test_columns_of_meta_become_columns_of_the_rows() -> None:
    request = {**msgspec.convert(RECORD["request"], dict), "meta": {"fields": ["Region"], "values": [["n"], ["s"]]}}
    [record] = parse_records(body(request=request))
    assert [row["Region"] for row in exploded(record)] == ["n", "s"]


def test_a_part_belongs_to_its_record() -> None:
    [record] = parse_records(body(scoring_id="5f0c.3"))
    assert record.whole_id == "5f0c"


TABLE = {"fields": ["a"], "values": [[1], [2]]}


@pytest.mark.parametrize(
    "changes",
    [
        {"request": None},
        {"response": None},
        {"scoring_id": None},
        {"scoring_id": ""},
        {"scoring_timestamp": None},
        {"scoring_timestamp": "2026-11-21T10:00:00"},
        {"scoring_timestamp": "2026-11-21T10:00:00+01:00"},
        {"response_time": "42"},
        {"response_time": 4.2},
        {"multiple_records": None},
        {"deployment_id": "v1 only"},
        {"request": {"values": [[1], [2]]}},
        {"request": {"fields": [], "values": [[], []]}},
        {"request": {"fields": ["a"], "values": [[1]]}},
        {"request": {"fields": ["a"], "values": [[1], [2, 3]]}},
        {"request": {**TABLE, "meta": {"fields": ["m"], "values": [[1]]}}},
        {"response": {"fields": ["a"], "values": "text"}},
    ],
    ids=str,
)
def test_a_record_that_departs_from_the_documented_shape_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_records(body(**changes))


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"\xff", b"null"])
def test_a_body_that_is_no_list_of_records_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_records(text)


ROWS: list[Row] = [
    {"scoring_id": f"id-{n}", "scoring_timestamp": f"2026-11-21T10:00:0{n}Z", "Age": n} for n in range(4)
]


def test_a_page_holds_rows_by_id_and_values() -> None:
    assert page(ROWS[:1], {}) == {"records": [{"metadata": {"id": "id-0"}, "entity": {"values": ROWS[0]}}]}


def test_a_page_as_a_list_holds_the_union_of_the_columns() -> None:
    rows: list[Row] = [{**ROWS[0], "x": 1}, {**ROWS[1], "y": 2}]
    answer = page(rows, {"format": "list", "includes": "scoring_id,x,y"})
    assert answer == {
        "records": [{"fields": ["scoring_id", "x", "y"], "values": [["id-0", 1, None], ["id-1", None, 2]]}]
    }


def test_start_is_within_a_page_and_end_is_not() -> None:
    answer = page(ROWS, {"start": "2026-11-21T10:00:01Z", "end": "2026-11-21T11:00:03+01:00"})
    assert [row["metadata"]["id"] for row in answer["records"]] == ["id-1", "id-2"]


def test_limit_zero_with_the_total_count_only_counts() -> None:
    query = {"limit": "0", "include_total_count": "true", "start": "2026-11-21T10:00:01Z"}
    assert page(ROWS, query) == {"records": [], "total_count": 3}


def test_pages_are_100_rows_unless_asked_and_1000_at_most() -> None:
    rows: list[Row] = [{"scoring_id": str(n), "scoring_timestamp": "2026-11-21T10:00:00Z"} for n in range(1500)]
    assert len(page(rows, {})["records"]) == 100
    assert len(page(rows, {"limit": "5000"})["records"]) == 1000
    assert page(rows, {"limit": "1", "offset": "1400"})["records"][0]["metadata"]["id"] == "1400"


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "x"},
        {"limit": "-1"},
        {"offset": "-1"},
        {"start": "yesterday"},
        {"start": "2026-11-21T10:00:01"},
        {"filter": "Age:eq:1"},
    ],
    ids=str,
)
def test_a_query_that_is_wrong_or_not_emulated_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        page(ROWS, query)


def test_a_payload_of_api_v1_explodes_into_rows_with_its_deployment() -> None:
    ids = {"binding_id": "b", "subscription_id": "s", "deployment_id": "d"}
    [payload] = parse_payloads(body(multiple_records=None, user_id=None, **ids))
    first = next(exploded(payload))
    assert (first["scoring_id"], first["deployment_id"], first["Age"]) == ("5f0c-1", "d", 33)
    assert "asset_revision" not in first


@pytest.mark.parametrize("changes", [{}, {"binding_id": "b", "subscription_id": "s", "deployment_id": "d"}])
def test_a_payload_of_api_v1_has_its_own_members_alone(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_payloads(body(**changes))


def test_transactions_have_the_columns_of_the_table_in_pages_of_1000_at_most() -> None:
    rows: list[Row] = [{"scoring_id": str(n), "Age": n} for n in range(1499)] + [{"scoring_id": "x", "tags": {"a": 1}}]
    assert transactions(rows, {"offset": "1498"}) == {
        "fields": ["scoring_id", "Age", "tags"],
        "values": [["1498", 1498, None], ["x", None, '{"a":1}']],
    }
    assert len(transactions(rows, {"limit": "5000"})["values"]) == 1000
    assert transactions(rows, {"limit": "0", "include_total_count": "true"})["total_count"] == 1500
