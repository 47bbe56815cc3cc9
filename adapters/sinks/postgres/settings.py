"""What the configuration says of the sink."""

from typing import Annotated

from msgspec import Meta

from schemas.configuration import Doc, PositiveFloat, Secret, SelectingSinkSettings

TableName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,54}$",
        extra_json_schema={"x-expected": "letters, digits and underscores, at most 55, the first one no digit"},
    ),
]
"""Leaves room for `_2026_11`, which a partition's name adds: PostgreSQL cuts names after 63 bytes."""
SchemaName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$",
        extra_json_schema={"x-expected": "letters, digits and underscores, at most 63, the first one no digit"},
    ),
]


class PostgresSettings(SelectingSinkSettings, frozen=True, kw_only=True):
    """Which database takes the records, and how long it keeps them."""

    dsn: Annotated[
        Secret,
        Doc("postgresql://<user>:<password>@<host>:<port>/<database>?sslmode=verify-full; several hosts by commas."),
    ]
    table: Annotated[TableName, Doc("Name of the table; case counts.")] = "payload_records"
    schema: Annotated[SchemaName, Doc("Name of the schema, which has to exist; case counts.")] = "public"
    create: Annotated[
        bool,
        Doc(
            "Create the table and its monthly partitions; false: they are there, and the user needs nothing but "
            "INSERT, and SELECT to audit."
        ),
    ] = True
    retain_months: Annotated[
        Annotated[int, Meta(ge=1, le=1200)] | None,
        Doc("Months that are kept besides the current one; older partitions are dropped. null: all."),
    ] = None
    connections: Annotated[int, Doc("Connections at most.", ge=1, le=64)] = 4
    connect_timeout_seconds: Annotated[PositiveFloat, Doc("Time to connect.")] = 10.0
    statement_timeout_seconds: Annotated[PositiveFloat, Doc("Time that a statement may take in the server.")] = 30.0

    def __post_init__(self) -> None:
        """Refuse a DSN of another kind, and a retention that nobody would carry out.

        Raises:
            ValueError: with a sentence that says what is needed.
        """
        if not self.dsn.startswith(("postgresql://", "postgres://")):
            raise ValueError("`dsn` must begin with postgresql://")
        if self.retain_months is not None and not self.create:
            raise ValueError("`retain_months` needs `create: true`: the gateway drops only partitions that it made")
