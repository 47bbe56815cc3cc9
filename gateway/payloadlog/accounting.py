"""The books: what each sink was owed, and what became of it.

`accepted` comes from tallies that the append itself keeps, `pending` is counted from the records, and the other
figures are written when cursors move, so that `SinkAccount.balances` is a check and not an identity.
"""

from collections.abc import Iterable, Mapping

import apsw
import msgspec
from msgspec import Struct

from adapters.base.sink import RecordFilter
from gateway.payloadlog.database import listed, number, query
from schemas.caller import Origin
from schemas.payload import Outcome


class SinkAccount(Struct, frozen=True, kw_only=True):
    """One sink's figures, in records, after its filter.

    Attributes:
        sink: its name in the configuration.
        accepted: owed to it, ever.
        delivered: held by it.
        pending: still to be delivered.
        dead: dead letters.
        dropped: given up, by reason.
        oldest_pending_at_us: start of the oldest pending call, in microseconds of the Unix epoch.
        configured: False for a sink that has left the configuration.
        replayed: sent once more by `payloads replay`, which the other figures don't count.
    """

    sink: str
    accepted: int
    delivered: int
    pending: int
    dead: int
    dropped: Mapping[str, int]
    oldest_pending_at_us: int | None
    configured: bool
    replayed: int = 0

    @property
    def balances(self) -> bool:
        """Whether every record that was accepted is accounted for."""
        return self.accepted == self.delivered + self.pending + self.dead + sum(self.dropped.values())


class SpoolDepth(Struct, frozen=True):
    """How much the spool holds: records, and bytes on disk."""

    records: int
    bytes: int


class Stream(Struct, frozen=True, kw_only=True):
    """Records of one deployment, outcome and origin: what filters and tallies tell apart.

    Attributes:
        no: number in the spool.
        deployment: number of the deployment there.
        deployment_id: public id.
        outcome: how the calls ended.
        origin: whose calls.
        accepted: records appended, ever.
        deleted: of these, deleted by retention or lost with a damaged file.
    """

    no: int
    deployment: int
    deployment_id: str
    outcome: Outcome
    origin: Origin
    accepted: int
    deleted: int

    def passes(self, wanted: RecordFilter) -> bool:
        """Whether a sink with this filter is owed the records."""
        return passes(wanted, self.deployment_id, self.outcome, self.origin)


class KnownSink(Struct, frozen=True):
    """A sink that the spool keeps books for."""

    name: str
    filter: RecordFilter
    configured: bool
    replayed: int


_filters = msgspec.json.Decoder(RecordFilter)


def passes(wanted: RecordFilter, deployment_id: str, outcome: Outcome, origin: Origin) -> bool:
    """Tell whether a sink with this filter is owed such a record."""
    return (
        (wanted.deployments is None or deployment_id in wanted.deployments)
        and (wanted.outcomes is None or outcome in wanted.outcomes)
        and (wanted.origins is None or origin in wanted.origins)
    )


def encode_filter(wanted: RecordFilter) -> bytes:
    """Return a filter as the spool keeps it."""
    return msgspec.json.encode(wanted, order="deterministic")


def read_sinks(connection: apsw.Connection) -> list[KnownSink]:
    """Return all sinks that were ever registered."""
    rows = query(connection, "SELECT name, filter, configured, replayed FROM sink ORDER BY name")
    return [
        KnownSink(name, _filters.decode(wanted), bool(configured), replayed)
        for name, wanted, configured, replayed in rows
    ]


def read_streams(connection: apsw.Connection) -> list[Stream]:
    """Return all streams with their tallies."""
    rows = query(
        connection,
        "SELECT s.no, s.deployment, d.id, s.outcome, s.origin, s.accepted, s.deleted"
        " FROM stream s JOIN deployment d ON d.no = s.deployment ORDER BY s.no",
    )
    return [
        Stream(
            no=no,
            deployment=deployment,
            deployment_id=deployment_id,
            outcome=outcome,
            origin=origin,
            accepted=accepted,
            deleted=deleted,
        )
        for no, deployment, deployment_id, outcome, origin, accepted, deleted in rows
    ]


def read_accounts(connection: apsw.Connection) -> list[SinkAccount]:
    """Return the books of all sinks; call it within one transaction, so that they balance."""
    streams = read_streams(connection)
    return [_account(connection, sink, streams) for sink in read_sinks(connection)]


def read_cursors(connection: apsw.Connection, sink: str) -> dict[int, int]:
    """Return a sink's cursors by deployment number; a deployment without one is owed from its first record."""
    return dict(query(connection, "SELECT deployment, cursor FROM lane WHERE sink = ?", (sink,)))


def count_after(connection: apsw.Connection, deployment: int, streams: Iterable[int], cursor: int) -> int:
    """Return how many records of these streams of a deployment lie after a cursor."""
    return number(
        connection,
        "SELECT count(*) FROM record INDEXED BY record_in_lane"
        " WHERE deployment = ? AND seq > ? AND stream IN (SELECT value FROM json_each(?))",
        (deployment, cursor, listed(streams)),
    )


def by_deployment(streams: Iterable[Stream]) -> dict[int, list[int]]:
    """Group numbers of streams by the number of their deployment."""
    groups: dict[int, list[int]] = {}
    for stream in streams:
        groups.setdefault(stream.deployment, []).append(stream.no)
    return groups


def _account(connection: apsw.Connection, sink: KnownSink, streams: list[Stream]) -> SinkAccount:
    owed = by_deployment(stream for stream in streams if stream.passes(sink.filter))
    cursors = read_cursors(connection, sink.name)
    name = (sink.name,)
    return SinkAccount(
        sink=sink.name,
        accepted=_accepted(connection, sink, streams),
        delivered=number(connection, "SELECT sum(delivered) FROM lane WHERE sink = ?", name),
        pending=number(connection, "SELECT count(*) FROM requeued WHERE sink = ?", name)
        + sum(
            count_after(connection, deployment, numbers, cursors.get(deployment, 0))
            for deployment, numbers in owed.items()
        ),
        dead=number(connection, "SELECT count(*) FROM dead_letter WHERE sink = ?", name),
        dropped=dict(query(connection, "SELECT reason, n FROM dropped WHERE sink = ? ORDER BY reason", name)),
        oldest_pending_at_us=_oldest_pending(connection, sink.name, owed, cursors),
        configured=sink.configured,
        replayed=sink.replayed,
    )


def _accepted(connection: apsw.Connection, sink: KnownSink, streams: list[Stream]) -> int:
    periods = {
        stream: (closed, since)
        for stream, closed, since in query(
            connection, "SELECT stream, closed, since FROM owed WHERE sink = ?", (sink.name,)
        )
    }
    total = 0
    for stream in streams:
        # A stream that appeared after the sink has no row yet: it is owed from its first record.
        closed, since = periods.get(stream.no, (0, 0 if stream.passes(sink.filter) else None))
        total += closed + (0 if since is None else stream.accepted - since)
    return total


def _oldest_pending(
    connection: apsw.Connection, sink: str, owed: Mapping[int, list[int]], cursors: Mapping[int, int]
) -> int | None:
    requeued = query(
        connection,
        "SELECT r.seq, r.scored_at FROM requeued q CROSS JOIN record r ON r.seq = q.seq"
        " WHERE q.sink = ? ORDER BY q.seq LIMIT 1",
        (sink,),
    )
    oldest: tuple[int, int] | None = requeued[0] if requeued else None
    for deployment, numbers in owed.items():
        rows = query(
            connection,
            "SELECT seq, scored_at FROM record INDEXED BY record_in_lane"
            " WHERE deployment = ? AND seq > ? AND stream IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT 1",
            (deployment, cursors.get(deployment, 0), listed(numbers)),
        )
        oldest = min((row for row in [oldest, *rows] if row is not None), default=None)
    return None if oldest is None else oldest[1]
