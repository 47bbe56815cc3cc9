"""What every format promises (adapters.base.format), for all tables that it says it carries and for any others."""

import copy
import math
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.base import API_VERSION, Body, Format
from adapters.testing.conformance.format_case import NAMES, FormatCase, tables
from adapters.testing.conformance.hostile_bodies import CANARY, HOSTILE, QUOTING, damaged
from adapters.testing.conformance.speech import speech
from schemas.errors import EngineReplyError, UnprocessableRequestError
from schemas.table import Cell, Table

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_ODD = st.sampled_from([float("nan"), float("inf"), "\ud800", 10**400, -(2**64)])
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS | _ODD
ANY_CELL = st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=3)


class FormatConformance:
    """Subclass it as `Test...` and set `case`."""

    case: ClassVar[FormatCase]

    def test_its_descriptor_names_its_kind_and_the_api(self) -> None:
        assert self.case.plugin.kind
        assert self.case.plugin.api_version == API_VERSION

    def test_its_media_type_is_bare_and_asks_for_what_it_writes(self) -> None:
        assert ";" not in self.case.writer().media_type
        assert self.case.writer().media_type == self.case.reader(("a",)).media_type

    def test_whatever_it_carries_comes_back_as_it_was(self) -> None:
        @_for_all(self.case.tables, share=1.0)
        def check(table: Table) -> None:
            columns = tuple(table.columns or ())
            body = self.case.writer().encode(table)
            read, expected = self.case.reader(columns).decode(body, len(table.rows)), self.case.comes_back(table)
            assert tuple(read.columns or ()) == tuple(expected.columns or ())
            same = alike([list(row) for row in read.rows], [list(row) for row in expected.rows])
            assert same, "What was written is read as something else; types count: 1, 1.0 and True are three things."
            assert body.content_type == self.case.writer().media_type

        check()

    def test_any_number_of_rows_is_read_where_none_is_asked_for(self) -> None:
        @_for_all(self.case.tables)
        def check(table: Table) -> None:
            body, columns = self.case.writer().encode(table), tuple(table.columns or ())
            rows = self.case.reader(columns).decode(body, None).rows
            assert len(rows) == len(table.rows), "`n_rows=None` asks for all rows that there are."

        check()

    def test_writing_and_reading_are_pure(self) -> None:
        @_for_all(self.case.tables)
        def check(table: Table) -> None:
            before, writer = copy.deepcopy(table), self.case.writer()
            body = writer.encode(table)
            assert writer.encode(table) == body, "The same table is written the same."
            assert table == before, "A table belongs to the caller: copy what has to be changed."
            reader, columns = self.case.reader(tuple(table.columns or ())), table.columns
            assert reader.decode(body, len(table.rows)) == reader.decode(body, len(table.rows))
            assert table.columns == columns

        check()

    def test_nothing_is_remembered_from_one_body_to_the_next(self) -> None:
        @_for_all(self.case.tables, self.case.tables)
        def check(table: Table, another: Table) -> None:
            columns, of_all_calls = tuple(table.columns or ()), self.case.writer()
            bodies = []
            for each in (table, _turned(table), another, table):
                body = _written(self.case.writer(), each)
                assert _written(of_all_calls, each) == body, "A codec writes each table as if it were its first."
                if body is not None:
                    bodies.append((body, len(each.rows)))
            of_all_answers = self.case.reader(columns)
            for body, n_rows in bodies:
                alone = _read(self.case.reader(columns), body, n_rows)
                assert _read(of_all_answers, body, n_rows) == alone, (
                    "A codec reads each body as if it were its first: the next may name its columns in another order."
                )

        check()

    def test_a_cell_that_it_cant_carry_is_refused_by_its_place(self) -> None:
        @_for_all(self.case.tables, st.data())
        def check(table: Table, data: st.DataObject) -> None:
            n, m = data.draw(_places(table))
            rows = [list(row) for row in table.rows]
            rows[n][m] = data.draw(st.sampled_from(self.case.refused))
            error = self._refusal(Table(table.columns, rows))
            assert error is not None, "Raise UnprocessableRequestError: a guess would be scored."
            assert error.target == f"values[{n}][{m}]"

        check()

    def test_any_table_is_written_or_refused_with_a_place(self) -> None:
        @_for_all(tables(ANY_CELL), st.booleans())
        def check(table: Table, named: bool) -> None:
            error = self._refusal(table if named else Table(None, table.rows))
            place = "values" if error is None else str(error.target)
            assert place.startswith(("values", "fields")), "Say where, as `target`: `values[17][3]` or `fields`."

        check()

    def test_another_number_of_rows_is_refused(self) -> None:
        @_for_all(self.case.tables)
        def check(table: Table) -> None:
            body, columns = self.case.writer().encode(table), tuple(table.columns or ())
            # No body can be cut into more rows than it has cells.
            for n_rows in {len(table.rows) - 1, len(table.rows) * max(len(columns), 1) + 1}:
                read = _read(self.case.reader(columns), body, n_rows)
                assert read is None, "Raise EngineReplyError: an answer must not be cut, nor made longer."

        check()

    def test_any_bytes_are_read_as_so_many_rows_or_refused(self) -> None:
        @_for_all(st.binary() | _TEXTS.map(str.encode), st.integers(1, 3))
        def check(content: bytes, n_rows: int) -> None:
            self._read_or_refuse(("a",), content, n_rows)

        check()

    def test_a_damaged_body_is_read_as_so_many_rows_or_refused(self) -> None:
        @_for_all(self.case.tables, st.data())
        def check(table: Table, data: st.DataObject) -> None:
            content = data.draw(damaged(self.case.writer().encode(table).content))
            self._read_or_refuse(tuple(table.columns or ()), content, len(table.rows))

        check()

    def test_a_hostile_body_is_read_as_so_many_rows_or_refused(self) -> None:
        for content in HOSTILE:
            self._read_or_refuse(("a",), content, 1)

    def test_no_refusal_quotes_a_value(self) -> None:
        for cell in (CANARY, [CANARY], {CANARY: CANARY}, f"{CANARY}\ud800", [CANARY, "\ud800"]):
            error = self._refusal(Table(("a", "b"), [[1, cell]]))
            said = "" if error is None else speech(error)
            assert CANARY not in said, "Name the place (`target`) and the type, not the value; raise `from None`."
        for content in QUOTING:
            refusal = self._read_or_refuse(("a", "b", "c"), content, 2)
            said = "" if refusal is None else speech(refusal)
            assert CANARY not in said, "The platform's words belong into `engine_message`; raise `from None`."

    def _read_or_refuse(self, columns: tuple[str, ...], content: bytes, n_rows: int) -> EngineReplyError | None:
        """Read a body, check what was read, and return the refusal, if it was refused."""
        reader = self.case.reader(columns)
        try:
            table = reader.decode(Body(content, reader.media_type), n_rows)
        except EngineReplyError as error:
            return error
        assert table.columns is not None
        assert len(set(table.columns)) == len(table.columns), "A column's name stands for one column."
        assert [len(row) for row in table.rows] == [len(table.columns)] * n_rows, (
            "`n_rows` rows, all as wide as `columns`."
        )
        assert all(_finite(cell) for row in table.rows for cell in row), "NaN and infinities are read as None."
        return None

    def _refusal(self, table: Table) -> UnprocessableRequestError | None:
        try:
            self.case.writer().encode(table)
        except UnprocessableRequestError as error:
            return error
        return None


def alike(left: Cell, right: Cell) -> bool:
    """Compare cells with their types and signs: 1, 1.0 and True are three things, 0.0 and -0.0 two."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(alike(left[key], right[key]) for key in left)
    if type(left) is float and type(right) is float:
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return type(left) is type(right) and bool(left == right)


def _finite(cell: Cell) -> bool:
    if isinstance(cell, list):
        return all(map(_finite, cell))
    if isinstance(cell, dict):
        return all(map(_finite, cell.values()))
    return not isinstance(cell, float) or math.isfinite(cell)


def _for_all(
    *strategies: st.SearchStrategy[Any], share: float = 0.15
) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Check a share of the profile's number of examples."""

    # Not a decorator of the tests themselves: those are shared by all cases, and these strategies are one case's own.
    def decorated(check: Callable[..., None]) -> Callable[[], None]:
        n_examples = max(1, int(settings().max_examples * share))
        # How long the strategies of a case take is no property of its codec.
        healthy = [*settings().suppress_health_check, HealthCheck.too_slow]
        profile = settings(deadline=None, max_examples=n_examples, suppress_health_check=healthy)
        return profile(given(*strategies)(check))

    return decorated


def _places(table: Table) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(0, len(table.rows) - 1), st.integers(0, len(table.rows[0]) - 1))


def _turned(table: Table) -> Table:
    """Return the table with its columns from right to left."""
    columns = None if table.columns is None else tuple(reversed(table.columns))
    return Table(columns, [list(reversed(row)) for row in table.rows])


def _written(writer: Format, table: Table) -> Body | None:
    """Return the body; None where the table is refused."""
    try:
        return writer.encode(table)
    except UnprocessableRequestError:
        return None


def _read(reader: Format, body: Body, n_rows: int) -> Table | None:
    """Return the table; None where the body is refused."""
    try:
        return reader.decode(body, n_rows)
    except EngineReplyError:
        return None
