from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.payloadlog.appending import Appender
from gateway.payloadlog.database import connect
from gateway.payloadlog.reading import SpoolReader
from tests.fakes.payload_records import FIRST_US, entry

entries = st.builds(
    entry,
    st.text("abc-", min_size=1, max_size=3),
    outcome=st.sampled_from(("scored", "engine_timeout")),
    origin=st.sampled_from(("application", "monitor")),
    scored_at_us=st.integers(0, 2 * FIRST_US),
    filler=st.integers(0, 10_000),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(group=st.lists(entries, min_size=1, max_size=128))
def test_groups_of_every_size_are_read_back_byte_by_byte(spool: Path, group: list) -> None:  # type: ignore[type-arg]
    reader, appender = SpoolReader(spool), Appender(spool)
    last = reader.last_seq()
    appender.append(group)
    appender.close()
    stored = list(reader.records(after=last))
    assert [record.line for record in stored] == [one.line for one in group]
    for record, one in zip(stored, group, strict=True):
        assert (record.scoring_id, record.deployment_id) == (one.scoring_id, one.deployment_id)
        assert (record.outcome, record.origin, record.scored_at_us) == (one.outcome, one.origin, one.scored_at_us)


def test_group_that_does_not_fit_leaves_nothing(spool: Path) -> None:
    appender = Appender(spool)
    appender.append([entry()])
    limited = connect(spool)
    limited.execute(
        "CREATE TRIGGER full BEFORE INSERT ON record WHEN length(new.line) > 5000"
        " BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    with pytest.raises(apsw.ConstraintError):
        appender.append([entry(filler=10), entry(filler=6000)])
    appender.close()
    limited.close()
    assert SpoolReader(spool).depth().records == 1


def test_two_appenders_share_streams(spool: Path) -> None:
    first, second = Appender(spool), Appender(spool)
    first.append([entry()])
    second.append([entry()])
    first.append([entry()])
    connection = connect(spool)
    assert connection.execute("SELECT accepted FROM stream").fetchall() == [(3,)]
    connection.close()
    first.close()
    second.close()
