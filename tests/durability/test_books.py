"""Random sequences of everything that moves records: the books balance after each step, and nothing is lost."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from adapters.base.sink import RecordFilter
from gateway.payloadlog.accounting import passes
from gateway.payloadlog.appending import Appender
from gateway.payloadlog.cursors import Cursors, DeadLetter, LaneKey, Registration
from gateway.payloadlog.dead_letters import requeue, requeue_all
from gateway.payloadlog.entry import SpoolEntry
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.requeued import read_requeued, requeued_lanes, settle_requeued
from gateway.payloadlog.retention import Retention
from gateway.payloadlog.spool import Spool
from tests.fakes.payload_records import FIRST_US, entry

DEPLOYMENTS = ("a", "b")
FILTERS = (
    RecordFilter(),
    RecordFilter(outcomes=frozenset({"scored"}), origins=frozenset({"application"})),
    RecordFilter(deployments=frozenset({"a"})),
    RecordFilter(deployments=frozenset({"b"}), outcomes=frozenset({"scored", "engine_error"})),
)
registrations = st.dictionaries(
    st.sampled_from(("one", "two")),
    st.builds(Registration, st.sampled_from(FILTERS), st.sampled_from(("now", "beginning"))),
)
entries = st.builds(
    lambda deployment, outcome, origin, age: entry(
        deployment, outcome=outcome, origin=origin, scored_at_us=FIRST_US + age * 1_000_000
    ),
    st.sampled_from(DEPLOYMENTS),
    st.sampled_from(("scored", "engine_error")),
    st.sampled_from(("application", "monitor")),
    st.integers(0, 100),
)


class Books(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Spool.open(Path(self.folder.name) / "payloads.db", max_bytes=10**9).path
        self.configured: dict[str, Registration] = {}
        self.owed: dict[str, set[str]] = {}
        self.taken: dict[str, list[str]] = {}
        self.refused: dict[str, set[str]] = {}
        self.seen: dict[tuple[str, str], int] = {}
        self.open()

    def open(self) -> None:
        self.appender = Appender(self.path)
        self.cursors = Cursors(self.path)
        self.retention = Retention(self.path, max_bytes=1, retain_seconds=50, clock=lambda: FIRST_US / 1e6 + 100)
        self.cursors.register(self.configured)

    def close(self) -> None:
        self.appender.close()
        self.cursors.close()
        self.retention.close()

    def teardown(self) -> None:
        self.close()
        self.folder.cleanup()

    @initialize(sinks=registrations)
    def begin(self, sinks: dict[str, Registration]) -> None:
        self.configure(sinks)

    @rule(sinks=registrations)
    def reconfigure(self, sinks: dict[str, Registration]) -> None:
        self.configure(sinks)

    def configure(self, sinks: dict[str, Registration]) -> None:
        self.configured = sinks
        self.cursors.register(sinks)

    @rule(group=st.lists(entries, min_size=1, max_size=8))
    def append(self, group: list[SpoolEntry]) -> None:
        self.appender.append(group)
        for name, registration in self.configured.items():
            owed = self.owed.setdefault(name, set())
            owed |= {
                one.scoring_id
                for one in group
                if passes(registration.filter, one.deployment_id, one.outcome, one.origin)
            }

    @precondition(lambda self: self.configured)
    @rule(data=st.data(), records=st.integers(1, 10))
    def ship(self, data: st.DataObject, records: int) -> None:
        name = data.draw(st.sampled_from(sorted(self.configured)))
        deployment = data.draw(st.sampled_from(DEPLOYMENTS))
        lane = self._lane(name, deployment)
        if lane is None:
            return
        batch = self.cursors.read(lane, after=self.cursors.cursor(lane), records=records, n_bytes=1e9)
        if not batch:
            return
        refused = data.draw(st.sets(st.sampled_from(batch), max_size=2))
        assert batch[0].seq > self.seen.get((name, deployment), 0)
        self.seen[name, deployment] = batch[-1].seq
        self.taken.setdefault(name, []).extend(row.scoring_id for row in batch if row not in refused)
        self.refused.setdefault(name, set()).update(row.scoring_id for row in refused)
        dead = [DeadLetter(row.seq, row.scoring_id, "refused") for row in refused]
        self.cursors.advance(lane, cursor=batch[-1].seq, delivered=len(batch) - len(dead), dead=dead)

    @precondition(lambda self: any(self.refused.values()))
    @rule(data=st.data())
    def requeue(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(name for name, refused in self.refused.items() if refused)))
        wanted = data.draw(st.none() | st.sets(st.sampled_from(sorted(self.refused[name]))))
        if wanted is None:
            assert requeue_all(self.path, sink=name).requeued <= len(self.refused[name])
        else:
            assert set(requeue(self.path, sink=name, scoring_ids=wanted).requeued) <= self.refused[name]

    @precondition(lambda self: any(lane.sink in self.configured for lane in requeued_lanes(self.cursors)))
    @rule(data=st.data(), records=st.integers(1, 3))
    def ship_requeued(self, data: st.DataObject, records: int) -> None:
        lanes = [lane for lane in requeued_lanes(self.cursors) if lane.sink in self.configured]
        lane = data.draw(st.sampled_from(lanes))
        batch = read_requeued(self.cursors, lane=lane, records=records, n_bytes=1e9)
        refused = data.draw(st.sets(st.sampled_from(batch), max_size=1))
        delivered = {row.scoring_id for row in batch if row not in refused}
        assert delivered <= self.refused[lane.sink]
        self.refused[lane.sink] -= delivered
        self.taken[lane.sink] += sorted(delivered)
        dead = [DeadLetter(row.seq, row.scoring_id, "refused again") for row in refused]
        settle_requeued(self.cursors, lane=lane, seqs=[row.seq for row in batch], dead=dead)

    @rule()
    def sweep(self) -> None:
        pending = {name: self._pending(name) for name in self.configured}
        self.retention.sweep()
        assert pending == {name: self._pending(name) for name in self.configured}

    @rule()
    def restart(self) -> None:
        self.close()
        assert Spool.open(self.path, max_bytes=10**9).recovery is None
        self.open()

    @invariant()
    def books_balance(self) -> None:
        stats = SpoolReader(self.path).stats()
        assert all(account.balances for account in stats.accounts)
        assert all(count > 0 for account in stats.accounts for count in account.dropped.values())
        assert stats.depth.records == sum(1 for _ in SpoolReader(self.path).records())

    @invariant()
    def no_record_comes_twice_and_none_is_lost(self) -> None:
        accounts = {account.sink: account for account in SpoolReader(self.path).accounts()}
        for name, owed in self.owed.items():
            taken = self.taken.get(name, [])
            assert len(taken) == len(set(taken))
            left = accounts[name].pending + accounts[name].dead + sum(accounts[name].dropped.values())
            assert len(owed.difference(taken)) <= left

    def _lane(self, sink: str, deployment_id: str) -> LaneKey | None:
        numbers = {stream.deployment for stream in self.cursors.streams() if stream.deployment_id == deployment_id}
        return LaneKey(sink, numbers.pop(), deployment_id) if numbers else None

    def _pending(self, sink: str) -> int:
        return next(account.pending for account in SpoolReader(self.path).accounts() if account.sink == sink)


TestBooks = Books.TestCase
TestBooks.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
