import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sinks.postgres.rows import Row
from adapters.sinks.postgres.statements import Statements, begin

STATEMENTS = Statements("audit", "Records")


def test_rows_go_into_the_columns_of_the_same_names_and_stay_if_they_are_there() -> None:
    sql = STATEMENTS.insert()
    names = re.search(r'INSERT INTO "audit"."Records" \((.*?)\)', sql)
    assert names is not None
    assert tuple(names[1].split(", ")) == Row._fields
    assert re.findall(r"\$(\d+)::", sql) == [str(k) for k in range(1, len(Row._fields) + 1)]
    assert sql.endswith("ON CONFLICT DO NOTHING")


def test_the_table_requires_what_every_record_has() -> None:
    sql = STATEMENTS.create_table()
    assert "id text NOT NULL" in sql
    assert "response jsonb null" in sql
    assert "PRIMARY KEY (id, scoring_timestamp)" in sql


@pytest.mark.parametrize(
    ("month", "bounds"),
    [
        ("2026-11", "FROM ('2026-11-01 00:00:00+00') TO ('2026-12-01 00:00:00+00')"),
        ("2026-12", "FROM ('2026-12-01 00:00:00+00') TO ('2027-01-01 00:00:00+00')"),
    ],
)
def test_a_partition_holds_one_month_of_utc(month: str, bounds: str) -> None:
    assert bounds in STATEMENTS.create_partition(month)


@given(st.lists(st.dates(), min_size=2, max_size=2))
def test_names_of_partitions_sort_as_their_months(dates: list[object]) -> None:
    months = sorted(str(date)[:7] for date in dates)
    assert sorted(map(STATEMENTS.partition, months)) == [STATEMENTS.partition(month) for month in months]


def test_a_transaction_is_bounded_in_the_server() -> None:
    sql = begin(30_000, 1_000)
    assert "SET LOCAL statement_timeout = 30000;" in sql
    assert "SET LOCAL lock_timeout = 1000;" in sql
    assert "SET LOCAL idle_in_transaction_session_timeout = 30000;" in sql
