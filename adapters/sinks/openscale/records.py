"""Records as the bodies of POSTs (formats.md 3.2), cut by rows where one is too large (3.3). Pure."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Raw, Struct

from schemas.payload import PayloadRecord


class _Entry(Struct, frozen=True, omit_defaults=True):
    """One element of the body of a POST (formats.md 3.2); the data set stands for the deployment."""

    scoring_id: str
    scoring_timestamp: str
    request: Raw
    response: Raw
    multiple_records: bool
    response_time: int | None = None
    user_id: str | None = None


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


def bodies(records: Sequence[PayloadRecord], max_bytes: int) -> Iterator[bytes]:
    """Yield JSON arrays of at most `max_bytes` bytes, larger only where a single row is; records in order.

    Request and response go out as the JSON text that they are. A record that is too large for an array of its own is
    cut by rows: part k (from 1) is `<scoring_id>.<k>`, and the same at every call with the same `max_bytes`.
    """
    body: list[bytes] = []
    size = 1
    for record in records:
        for entry in _entries(record, max_bytes - 2):
            if body and size + len(entry) + 1 > max_bytes:
                yield b"[" + b",".join(body) + b"]"
                body, size = [], 1
            body.append(entry)
            size += len(entry) + 1
    yield b"[" + b",".join(body) + b"]"


def _entries(record: PayloadRecord, max_bytes: int) -> Iterator[bytes]:
    whole = _encoded(record, record.scoring_id, record.request, record.response)
    if len(whole) <= max_bytes:
        yield whole
        return
    request, response = _rows(record.request), _rows(record.response)
    if request is None or response is None or len(request.values) != len(response.values):
        yield whole
        return
    frame = len(_encoded(record, f"{record.scoring_id}.{len(request.values)}", request.cut(0, 0), response.cut(0, 0)))
    sizes = [a + b for a, b in zip(request.sizes(), response.sizes(), strict=True)]
    cuts = list(_cuts(sizes, max_bytes - frame))
    if len(cuts) == 1:
        yield whole
        return
    for k, (start, end) in enumerate(cuts, start=1):
        yield _encoded(record, f"{record.scoring_id}.{k}", request.cut(start, end), response.cut(start, end))


def _encoded(record: PayloadRecord, scoring_id: str, request: Raw, response: Raw) -> bytes:
    entry = _Entry(
        scoring_id=scoring_id,
        scoring_timestamp=record.scoring_timestamp,
        request=request,
        response=response,
        multiple_records=True,
        response_time=record.response_time,
        user_id=record.caller,
    )
    return msgspec.json.encode(entry)


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


def _cuts(sizes: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Yield slices of rows whose sizes add up to `room` at most, of one row at least."""
    start = taken = 0
    for n, size in enumerate(sizes):
        if n > start and taken + size > room:
            yield start, n
            start, taken = n, 0
        taken += size
    yield start, len(sizes)
