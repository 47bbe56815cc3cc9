"""Records as the bodies of POSTs, cut by rows where one is too large. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Raw, Struct

from adapters.sinks.openscale.elements import Encode
from schemas.payload import PayloadRecord


class Part(Struct, frozen=True):
    """A record as it is sent, or a slice of its rows; row n of it is stored as `<scoring_id>-<n>`."""

    scoring_id: str
    rows: int

    def row_ids(self) -> Iterator[str]:
        """Yield the ids that its rows are stored under (outputs in IBM's sample notebooks)."""
        for n in range(1, self.rows + 1):
            yield f"{self.scoring_id}-{n}"


def record_id(row_id: str) -> str:
    """Return the scoring id of the record that a stored row belongs to, whether it was sent whole or in parts."""
    return row_id.rpartition("-")[0].partition(".")[0]


def new_rows(page: Iterable[str], seen: set[str]) -> Counter[str]:
    """Count the rows of a page by id, those of earlier pages apart, and add them to `seen`.

    An id of an earlier page is a row that was moved here by others that have arrived. An id that stands twice on one
    page is a row that is there twice.
    """
    rows = Counter(row_id for row_id in page if row_id not in seen)
    seen.update(rows)
    return rows


class Body(Struct, frozen=True):
    """The JSON array of one POST, and what is in it."""

    content: bytes
    parts: Sequence[Part]


class _Rows(Struct, frozen=True):
    """An object with a list of rows at `values`, and its other members; `meta` is another one, of the same rows."""

    members: dict[str, Raw]
    values: list[Raw]
    meta: "_Rows | None" = None

    def cut(self, start: int, end: int) -> Raw:
        parts: dict[str, Raw | list[Raw]] = {**self.members, "values": self.values[start:end]}
        if self.meta is not None:
            parts["meta"] = self.meta.cut(start, end)
        return Raw(msgspec.json.encode(parts))

    def sizes(self) -> list[int]:
        own = [memoryview(row).nbytes + 1 for row in self.values]
        return own if self.meta is None else [a + b for a, b in zip(own, self.meta.sizes(), strict=True)]


def bodies(records: Sequence[PayloadRecord], max_bytes: int, encode: Encode) -> Iterator[Body]:
    """Yield JSON arrays of at most `max_bytes` bytes, larger only where a single row is; records in order.

    Request and response go out as the JSON text that they are. A record that is too large for an array of its own is
    cut by rows: part k (from 1) is `<scoring_id>.<k>`, and the same at every call with the same `max_bytes`.
    """
    elements: list[bytes] = []
    parts: list[Part] = []
    size = 1
    for record in records:
        for part, element in _elements(record, max_bytes - 2, encode):
            if elements and size + len(element) + 1 > max_bytes:
                yield _body(elements, parts)
                elements, parts, size = [], [], 1
            elements.append(element)
            parts.append(part)
            size += len(element) + 1
    yield _body(elements, parts)


def _body(elements: Sequence[bytes], parts: Sequence[Part]) -> Body:
    return Body(b"[" + b",".join(elements) + b"]", tuple(parts))


def _elements(record: PayloadRecord, max_bytes: int, encode: Encode) -> Iterator[tuple[Part, bytes]]:
    whole = encode(record, record.scoring_id, record.request, record.response)
    cuts = _cuts_of(record, max_bytes, encode) if len(whole) > max_bytes else None
    if cuts is None:
        yield Part(record.scoring_id, record.rows), whole
        return
    request, response, slices = cuts
    for k, (start, end) in enumerate(slices, start=1):
        part = Part(f"{record.scoring_id}.{k}", end - start)
        yield part, encode(record, part.scoring_id, request.cut(start, end), response.cut(start, end))


def _cuts_of(
    record: PayloadRecord, max_bytes: int, encode: Encode
) -> tuple[_Rows, _Rows, Sequence[tuple[int, int]]] | None:
    """Return the rows and where to cut them; None where that is not possible, or would make one part."""
    request, response = _rows(record.request), _rows(record.response)
    if request is None or response is None or len(request.values) != len(response.values):
        return None
    longest_id = f"{record.scoring_id}.{len(request.values)}"
    frame = len(encode(record, longest_id, request.cut(0, 0), response.cut(0, 0)))
    sizes = [a + b for a, b in zip(request.sizes(), response.sizes(), strict=True)]
    slices = list(_slices(sizes, max_bytes - frame))
    return None if len(slices) == 1 else (request, response, slices)


def _rows(text: Raw) -> _Rows | None:
    """Find the rows; None where the text has none that could be cut."""
    try:
        members = msgspec.json.decode(text, type=dict[str, Raw])
        values = msgspec.json.decode(members["values"], type=list[Raw])
    except (msgspec.ValidationError, KeyError):
        return None
    if "meta" not in members:
        return _Rows(members, values)
    meta = _rows(members["meta"])
    return _Rows(members, values, meta) if meta is not None and len(meta.values) == len(values) else None


def _slices(sizes: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Yield slices of rows whose sizes add up to `room` at most, of one row at least."""
    start = taken = 0
    for n, size in enumerate(sizes):
        if n > start and taken + size > room:
            yield start, n
            start, taken = n, 0
        taken += size
    yield start, len(sizes)
