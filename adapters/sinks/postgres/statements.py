"""The SQL of the sink. Pure.

Names come from the settings, which allow nothing but letters, digits and underscores; they are quoted, so that case and
reserved words don't matter.
"""

from adapters.sinks.postgres.rows import Row

# In the order of `Row`; what may be null says so.
_TYPES = {
    "id": "text",
    "scoring_id": "text",
    "n": "integer",
    "transaction_id": "text null",
    "deployment_id": "text",
    "engine": "text",
    "origin": "text",
    "caller": "text null",
    "scoring_timestamp": "timestamptz",
    "response_time": "integer null",
    "status": "smallint",
    "outcome": "text",
    "caller_gone": "boolean",
    "request": "jsonb",
    "response": "jsonb null",
    "meta": "jsonb null",
    "labels": "jsonb null",
}

NEXT_PAGE = "FETCH 1000 FROM held"
"""Of the cursor that `Statements.hold` opens."""
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('openscale-gateway ' || $1, 0))"
"""Keeps gateways from creating the same table or partition at the same time, until the transaction ends."""

INSPECT = """
SELECT c.relkind = 'p' AND pg_get_partkeydef(c.oid) = 'RANGE (scoring_timestamp)' AS monthly,
       ARRAY(SELECT attname::text FROM pg_attribute
             WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
       EXISTS (SELECT FROM pg_index i
               WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
                 AND (SELECT bool_and(a.attname IN ('id', 'scoring_timestamp')) AND bool_or(a.attname = 'id')
                      FROM pg_attribute a
                      WHERE a.attrelid = c.oid
                        AND a.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1]))) AS keyed
FROM pg_class c
WHERE c.oid = to_regclass($1)
"""
"""One line about a table; none where there is none. `keyed`: a row that comes again is recognised by its id."""

OLDEST_MONTH = """
SELECT to_char(date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => $1), 'YYYY-MM')
"""
"""By the database's clock: one for all gateways, and no wrong one of theirs drops a partition."""

EXISTS = "SELECT to_regclass($1) IS NOT NULL"
"""Whether there is a table."""

PARTITIONS = """
SELECT p.relname::text
FROM pg_inherits
JOIN pg_class p ON p.oid = inhrelid
JOIN pg_class c ON c.oid = inhparent AND c.relnamespace = p.relnamespace
WHERE c.oid = to_regclass($1) AND p.relname ~ ('^' || c.relname || '_[0-9]{4}_[0-9]{2}$')
ORDER BY 1
"""
"""The table's partitions that have names as the gateway gives them."""


def begin(statement_ms: int, lock_ms: int) -> str:
    """Begin a transaction that the server gives up by itself where its client is gone, and whose commit lasts."""
    return (
        "BEGIN ISOLATION LEVEL READ COMMITTED;"
        f"SET LOCAL statement_timeout = {statement_ms};"
        f"SET LOCAL lock_timeout = {lock_ms};"
        f"SET LOCAL idle_in_transaction_session_timeout = {statement_ms};"
        "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
    )


class Statements:
    """What is said about one table.

    Attributes:
        table: its name, quoted, with its schema.
    """

    def __init__(self, schema: str, table: str) -> None:
        self._schema = schema
        self._name = table
        self.table = f'"{schema}"."{table}"'

    def insert(self) -> str:
        """Insert rows, given as one array for each column; a row that is there already stays as it is."""
        names = ", ".join(Row._fields)
        arrays = ", ".join(
            f"${k}::{_TYPES[name].removesuffix(' null')}[]" for k, name in enumerate(Row._fields, start=1)
        )
        return f"INSERT INTO {self.table} ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"  # noqa: S608

    def hold(self) -> str:
        """Open a cursor `held` over scoring ids and their rows: of a deployment, and from one time to before another.

        Declared in SQL rather than by the driver, which would prepare it under a name that outlives the transaction.
        """
        return (
            f"DECLARE held NO SCROLL CURSOR FOR SELECT scoring_id, count(*) FROM {self.table} "  # noqa: S608
            "WHERE deployment_id = $1 AND scoring_timestamp >= $2 AND scoring_timestamp < $3 GROUP BY scoring_id"
        )

    def create_table(self) -> str:
        """Create the table, without any partition."""
        columns = "".join(
            f"{name} {kind if kind.endswith(' null') else f'{kind} NOT NULL'}, " for name, kind in _TYPES.items()
        )
        return (
            f"CREATE TABLE {self.table} ({columns}PRIMARY KEY (id, scoring_timestamp)) "
            "PARTITION BY RANGE (scoring_timestamp);"
            f"CREATE INDEX ON {self.table} (deployment_id, scoring_timestamp)"
        )

    def create_partition(self, month: str) -> str:
        """Create the partition of a month (`2026-11`, UTC).

        It is made apart and then attached: to create it in place would lock all readers out.
        """
        partition = self._qualified(self.partition(month))
        return (
            f"CREATE TABLE {partition} (LIKE {self.table} INCLUDING ALL);"
            f"ALTER TABLE {self.table} ATTACH PARTITION {partition} "
            f"FOR VALUES FROM ('{month}-01 00:00:00+00') TO ('{_next(month)}-01 00:00:00+00')"
        )

    def drop_partition(self, name: str) -> str:
        """Drop a partition with all its rows."""
        return f"DROP TABLE IF EXISTS {self._qualified(name)}"

    def partition(self, month: str) -> str:
        """Return the name of the partition of a month; names sort as months do."""
        return f"{self._name}_{month.replace('-', '_')}"

    def _qualified(self, name: str) -> str:
        return f'"{self._schema}"."{name}"'


def _next(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + 1:04}-01" if number == 12 else f"{year:04}-{number + 1:02}"  # noqa: PLR2004 - months
