"""From the caller's columns to the endpoint's, and back."""

from collections.abc import Callable, Sequence
from operator import itemgetter

from msgspec import Struct

from schemas.configuration import InputSettings
from schemas.errors import UnprocessableRequestError
from schemas.scoring import ScoringRequest
from schemas.table import Cell, Table

MAX_PLANS = 32
MAX_PLAN_COLUMNS = 5000
MAX_NAMES_SHOWN = 10
MAX_NAME_CHARACTERS = 100

Row = Sequence[Cell]


class _Plan(Struct, frozen=True):
    """How rows of one list of fields become native rows; `pick` is None where they already are."""

    columns: tuple[str, ...]
    pick: Callable[[Row], Row] | None


class InputColumns:
    """Matches columns by name, puts them in the endpoint's order, and adds defaults and constants.

    Constants that `fields` does not name follow its columns. Without `fields` (and where the platform names no columns
    either) the caller's columns pass as sent, followed by the defaults that are missing and the constants. Where the
    endpoint knows columns by their place alone, a default has none then, and the column has to be sent.

    Args:
        settings: `input` of the deployment.
        endpoint_columns: stands in for `input.fields`.
        by_place: the endpoint knows columns by their place alone.
    """

    def __init__(
        self, settings: InputSettings, endpoint_columns: Sequence[str] | None, *, by_place: bool = False
    ) -> None:
        named = settings.fields or endpoint_columns or None
        self._settings = settings
        self._by_place = by_place
        self._added = settings.defaults | settings.constants
        self._columns = None if named is None else tuple(dict.fromkeys([*named, *settings.constants]))
        self._sent = () if named is None else tuple(name for name in named if name not in settings.constants)
        self._as_native = None if settings.constants or named is None else list(named)
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def table(self, request: ScoringRequest) -> Table:
        """See `Mapping.to_native`."""
        fields = request.fields
        if fields is None:
            return self._unnamed(request)
        if fields == self._as_native:
            return Table(self._columns, request.values)
        if self._columns is None and not self._added:
            return Table(fields, request.values)
        return _applied(self._plan(tuple(fields)), request)

    @property
    def native(self) -> tuple[str, ...] | None:
        """See `Mapping.native_columns`."""
        return self._columns

    def request(self, table: Table) -> ScoringRequest:
        """See `Mapping.request_of`."""
        if table.columns is None:
            return ScoringRequest(list(map(list, table.rows)))
        constants = self._settings.constants
        kept = [n for n, name in enumerate(table.columns) if name not in constants]
        if not kept:
            raise UnprocessableRequestError("The body has no columns but those of `input.constants`.")
        fields = [table.columns[n] for n in kept]
        if len(kept) == len(table.columns):
            return ScoringRequest(list(map(list, table.rows)), fields)
        return ScoringRequest([[row[n] for n in kept] for row in table.rows], fields)

    def _unnamed(self, request: ScoringRequest) -> Table:
        if self._columns is None:
            if self._added:
                raise UnprocessableRequestError(
                    "This deployment adds columns by name: send `fields` with the values.", target="fields"
                )
            return Table(None, request.values)
        if request.values and len(request.values[0]) != len(self._sent):
            raise UnprocessableRequestError(
                f"The row has {len(request.values[0])} cells, the endpoint takes {len(self._sent)} columns: send "
                "`fields` with the values.",
                target="values[0]",
            )
        return _applied(self._plan(self._sent), request)

    def _plan(self, fields: tuple[str, ...]) -> _Plan:
        plan = self._plans.get(fields)
        if plan is None:
            plan = self._compiled(fields)
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            if len(fields) <= MAX_PLAN_COLUMNS:
                self._plans[fields] = plan
        return plan

    def _compiled(self, fields: tuple[str, ...]) -> _Plan:
        columns = self._columns
        if columns is None:
            columns = self._completed(fields)
        else:
            self._check(fields, columns)
        position = {name: n for n, name in enumerate(fields)}
        tail: list[Cell] = []
        indexes: list[int] = []
        for name in columns:
            if name in position and name not in self._settings.constants:
                indexes.append(position[name])
            else:
                indexes.append(len(fields) + len(tail))
                tail.append(self._added[name])
        return _Plan(columns, None if columns == fields and not tail else _picker(indexes, tail))

    def _completed(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns of a request and those that are added, where nothing else names any."""
        constants = self._settings.constants
        sent = [name for name in fields if name not in constants]
        missing = [name for name in self._settings.defaults if name not in fields]
        if missing and self._by_place:
            raise UnprocessableRequestError(
                "The endpoint knows columns by their place, and nothing says which place those have that the request "
                f"lacks: {_listed(missing)}. Send them, or configure `input.fields`.",
                target="fields",
            )
        return (*sent, *missing, *constants)

    def _check(self, fields: tuple[str, ...], columns: tuple[str, ...]) -> None:
        sent = set(fields)
        missing = [name for name in columns if name not in sent and name not in self._added]
        if missing:
            raise UnprocessableRequestError(
                f"The endpoint needs columns that the request lacks: {_listed(missing)}. Send them, or configure "
                "`input.defaults`.",
                target="fields",
            )
        if self._settings.unknown == "refuse":
            unknown = sorted(sent.difference(columns))
            if unknown:
                raise UnprocessableRequestError(
                    f"The endpoint does not take these columns: {_listed(unknown)}.", target="fields"
                )


def _applied(plan: _Plan, request: ScoringRequest) -> Table:
    if plan.pick is None:
        return Table(plan.columns, request.values)
    return Table(plan.columns, list(map(plan.pick, request.values)))


def _picker(indexes: Sequence[int], tail: Sequence[Cell]) -> Callable[[Row], Row]:
    """Return what picks cells out of a row that `tail` is added to."""
    if len(indexes) == 1:
        (only,) = indexes
        return lambda row: ([*row, *tail][only],)
    pick: Callable[[Row], tuple[Cell, ...]] = itemgetter(*indexes)
    return (lambda row: pick([*row, *tail])) if tail else pick


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name[:MAX_NAME_CHARACTERS]}`" for name in names[:MAX_NAMES_SHOWN])
    more = len(names) - MAX_NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
