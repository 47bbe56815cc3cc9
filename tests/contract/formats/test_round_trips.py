"""Each form of each codec and preset carries tables there and back; `make properties` does it 100,000 times a form."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.formats.presets import presets
from schemas.errors import UnprocessableRequestError
from schemas.table import Table
from tests.contract.formats.cases import FAMILIES, Family

families = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


def shown(table: Table) -> str:
    """Tell cells apart to the last: 1, 1.0 and True, 0.0 and -0.0, the order of keys."""
    return repr((tuple(table.columns or ()), [list(row) for row in table.rows]))


@families
def test_whatever_a_format_carries_comes_back_to_the_last_digit(family: Family) -> None:
    writers = [form.case.writer() for form in family.forms]

    @settings(deadline=None)
    @given(family.tables)
    def check(drawn: Table) -> None:
        for form, writer in zip(family.forms, writers, strict=True):
            table = form.fitting(drawn)
            read = form.case.reader(tuple(table.columns or ())).decode(writer.encode(table), len(table.rows))
            assert (form.name, shown(read)) == (form.name, shown(form.case.comes_back(table)))

    check()


@families
def test_a_planted_cell_that_a_format_does_not_carry_is_refused_by_its_place(family: Family) -> None:
    writers = [form.case.writer() for form in family.forms]

    @settings(deadline=None)
    @given(family.tables, st.integers(0), st.integers(0), st.integers(0))
    def check(drawn: Table, row: int, column: int, kind: int) -> None:
        for form, writer in zip(family.forms, writers, strict=True):
            table = form.fitting(drawn)
            rows = [list(cells) for cells in table.rows]
            n, m = row % len(rows), column % len(rows[0])
            rows[n][m] = form.case.refused[kind % len(form.case.refused)]
            with pytest.raises(UnprocessableRequestError) as refused:
                writer.encode(Table(table.columns, rows))
            assert (form.name, refused.value.target) == (form.name, f"values[{n}][{m}]")

    check()


def test_every_preset_is_carried_in_both_directions() -> None:
    carried = {form.name for family in FAMILIES for form in family.forms}
    assert {f"{preset.name}: {way}" for preset in presets for way in ("request", "response")} <= carried
