"""Formats that break one promise each, under the kit: see `broken_engines`."""

from typing import Any, ClassVar

import msgspec
from hypothesis import strategies as st

from adapters.base import Body, FormatPlugin
from adapters.formats import jsonlines
from adapters.testing.conformance import FormatCase, FormatConformance, tables
from schemas.errors import EngineReplyError, UnprocessableRequestError
from schemas.table import Table


class Sound:
    """Passes on what a codec does; those below make a mistake on the way."""

    def __init__(self, codec: Any) -> None:
        self._codec = codec

    @property
    def media_type(self) -> str:
        return str(self._codec.media_type)

    def encode(self, table: Table) -> Body:
        return self._codec.encode(table)  # type: ignore[no-any-return]

    def decode(self, body: Body, n_rows: int | None) -> Table:
        return self._codec.decode(body, n_rows)  # type: ignore[no-any-return]


def case_of(codec: type[Sound], **changes: Any) -> FormatCase:
    plugin = FormatPlugin(
        kind="broken",
        settings=jsonlines.plugin.settings,
        build=lambda settings: codec(jsonlines.plugin.build(settings)),
        **changes,
    )
    return FormatCase(
        plugin=plugin, tables=tables(st.integers(0, 10), names=st.sampled_from("abcd")), refused=("\ud800",)
    )


class TestOfAnotherApi(FormatConformance):
    case = case_of(Sound, api_version=0)
    fails: ClassVar = {"test_its_descriptor_names_its_kind_and_the_api": "assert 0 == 1"}


class Parametric(Sound):
    @property
    def media_type(self) -> str:
        return f"{super().media_type}; charset=utf-8"


class TestParametric(FormatConformance):
    case = case_of(Parametric)
    fails: ClassVar = {"test_its_media_type_is_bare_and_asks_for_what_it_writes": "';' not in"}


class Guessing(Sound):
    """Writes numbers as fractions, any number of rows as one, what it can't write as nothing, and makes up rows."""

    def encode(self, table: Table) -> Body:
        try:
            return super().encode(table)
        except UnprocessableRequestError:
            return Body(b"{}", self.media_type)

    def decode(self, body: Body, n_rows: int | None) -> Table:
        table = super().decode(body, None)
        rows = [[float(cell) if isinstance(cell, int) else cell for cell in row] for row in table.rows]
        return Table(table.columns, (rows * (n_rows or 1))[: n_rows or 1])


class TestGuessing(FormatConformance):
    case = case_of(Guessing)
    fails: ClassVar = {
        "test_whatever_it_carries_comes_back_as_it_was": "types count: 1, 1.0 and True",
        "test_any_number_of_rows_is_read_where_none_is_asked_for": "`n_rows=None` asks for all rows",
        "test_a_cell_that_it_cant_carry_is_refused_by_its_place": "Raise UnprocessableRequestError",
        "test_another_number_of_rows_is_refused": "Raise EngineReplyError",
    }


class Changing(Sound):
    def encode(self, table: Table) -> Body:
        body = super().encode(table)
        table.rows[0][0] = 11  # type: ignore[index]
        return body


class TestChanging(FormatConformance):
    case = case_of(Changing)
    fails: ClassVar = {"test_writing_and_reading_are_pure": "The same table is written the same"}


class Careless(Sound):
    """Refuses without a place, quotes what it refuses, and lets other errors pass."""

    def encode(self, table: Table) -> Body:
        try:
            return super().encode(table)
        except UnprocessableRequestError as error:
            raise UnprocessableRequestError(f"No {table.rows}.") from error

    def decode(self, body: Body, n_rows: int | None) -> Table:
        try:
            return super().decode(body, n_rows)
        except EngineReplyError as error:
            raise ValueError(f"No {body.content!r}.") from error


class TestCareless(FormatConformance):
    case = case_of(Careless)
    fails: ClassVar = {
        "test_any_table_is_written_or_refused_with_a_place": "Say where, as `target`",
        "test_any_bytes_are_read_as_so_many_rows_or_refused": "ValueError",
        "test_a_damaged_body_is_read_as_so_many_rows_or_refused": "ValueError",
        "test_a_hostile_body_is_read_as_so_many_rows_or_refused": "ValueError",
        "test_no_refusal_quotes_a_value": "Name the place",
    }


class Echoing(Sound):
    def decode(self, body: Body, n_rows: int | None) -> Table:
        try:
            return super().decode(body, n_rows)
        except EngineReplyError as error:
            raise EngineReplyError(f"No rows: {body.content.decode(errors='replace')}") from error


class TestEchoing(FormatConformance):
    case = case_of(Echoing)
    fails: ClassVar = {"test_no_refusal_quotes_a_value": "The platform's words belong into"}


class Infinite(Sound):
    def decode(self, body: Body, n_rows: int | None) -> Table:
        table = super().decode(body, n_rows)
        return msgspec.structs.replace(table, rows=[[float("inf") for _ in row] for row in table.rows])


class TestInfinite(FormatConformance):
    case = case_of(Infinite)
    fails: ClassVar = {"test_a_damaged_body_is_read_as_so_many_rows_or_refused": "NaN and infinities are read as None"}


class Remembering(Sound):
    """Takes the columns of the first answer for those of all that are as wide."""

    _columns: Any = None

    def decode(self, body: Body, n_rows: int | None) -> Table:
        table = super().decode(body, n_rows)
        if self._columns is None or len(self._columns) != len(table.columns or ()):
            self._columns = table.columns
        return msgspec.structs.replace(table, columns=self._columns)


class TestRemembering(FormatConformance):
    case = case_of(Remembering)
    fails: ClassVar = {"test_nothing_is_remembered_from_one_body_to_the_next": "A codec reads each body as if"}


class Preparing(Sound):
    """Takes the columns of the first request for those of all that are as wide."""

    _columns: Any = None

    def encode(self, table: Table) -> Body:
        if self._columns is None or len(self._columns) != len(table.columns or ()):
            self._columns = table.columns
        return super().encode(msgspec.structs.replace(table, columns=self._columns))


class TestPreparing(FormatConformance):
    case = case_of(Preparing)
    fails: ClassVar = {"test_nothing_is_remembered_from_one_body_to_the_next": "A codec writes each table as if"}
