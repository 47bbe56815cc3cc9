from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Response
from adapters.sinks.openscale.transactions import PAGE_ROWS, Transaction, end_offsets, read_page
from schemas.errors import SinkUnavailableError


@given(total=st.integers(0, 20_000), reach=st.integers(1, 8_000))
def test_the_pages_at_the_ends_hold_the_first_and_the_last_rows_and_none_of_them_twice_on_purpose(
    total: int, reach: int
) -> None:
    offsets = end_offsets(total, reach)
    seen = {row for offset in offsets for row in range(offset, min(offset + PAGE_ROWS, total))}
    assert seen >= {*range(min(reach, total)), *range(max(0, total - reach), total)}
    assert len(offsets) <= 2 * (reach // PAGE_ROWS + 1)
    assert offsets == sorted(set(offsets))


def listing(**members: object) -> Response:
    return Response(200, {}, msgspec.json.encode(members))


def test_a_page_yields_ids_and_times_whatever_else_is_in_it() -> None:
    page = read_page(
        listing(
            fields=["Age", "scoring_timestamp", "probability", "scoring_id"],
            values=[[33, "2026-11-21T10:00:00Z", "[0.1]", "a-1"], [None, "2026-11-21T11:00:00Z", {"a": 1}, "a.2-1"]],
            total_count=7,
        ),
        "subscriptions.a",
    )
    assert (page.total, [row.row_id for row in page.rows]) == (7, ["a-1", "a.2-1"])
    assert page.rows[1].moment == datetime(2026, 11, 21, 11, tzinfo=UTC)


def test_an_empty_table_needs_no_columns() -> None:
    page = read_page(listing(fields=[], values=[], total_count=0), "subscriptions.a")
    assert (page.total, list(page.rows)) == (0, [])


@pytest.mark.parametrize(
    "response",
    [
        Response(200, {}, b"<html>"),
        listing(fields=["scoring_id", "scoring_timestamp"], values=[]),
        listing(fields=["scoring_id"], values=[["a-1"]], total_count=1),
        listing(fields=["scoring_id", "scoring_timestamp"], values=[["a-1"]], total_count=1),
        listing(fields=["scoring_id", "scoring_timestamp"], values=[[1, "t"]], total_count=1),
        Response(404, {}, b""),
        Response(503, {}, b""),
    ],
)
def test_what_is_no_list_of_transactions_is_not_taken_for_an_empty_one(response: Response) -> None:
    with pytest.raises(SinkUnavailableError):
        read_page(response, "subscriptions.a")


@pytest.mark.parametrize(
    "text",
    ["2026-11-21T10:00:00.5Z", "2026-11-21T10:00:00.5", "2026-11-21 10:00:00.500000", "2026-11-21T11:00:00.5+01:00"],
)
def test_a_time_without_a_zone_is_utc(text: str) -> None:
    assert Transaction("a-1", text).moment == datetime(2026, 11, 21, 10, 0, 0, 500_000, tzinfo=UTC)


def test_a_time_that_is_none_is_not_guessed() -> None:
    with pytest.raises(SinkUnavailableError, match="scoring_timestamp"):
        _ = Transaction("a-1", "yesterday").moment
