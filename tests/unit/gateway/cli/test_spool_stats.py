from typing import Any

import pytest

from gateway.cli.spool_stats import show_stats
from gateway.payloadlog.accounting import SinkAccount, SpoolDepth
from gateway.payloadlog.reading import Recoveries, SpoolStats


def account(**changes: Any) -> SinkAccount:
    figures: dict[str, Any] = {
        "sink": "openscale",
        "accepted": 1_000_010,
        "delivered": 1_000_000,
        "pending": 5,
        "dead": 2,
        "dropped": {"filtered_out": 1, "sink_removed": 2},
        "oldest_pending_at_us": 1_700_000_000_000_000,
        "configured": True,
    }
    return SinkAccount(**(figures | changes))


def shown(capsys: pytest.CaptureFixture[str], *accounts: SinkAccount) -> str:
    show_stats(SpoolStats(accounts=list(accounts), depth=SpoolDepth(1, 12_345_678)))
    return capsys.readouterr().out


def test_books_stand_in_one_line_that_fits_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, account()).splitlines()
    assert lines[0] == "1 record, 12.3 MB on disk"
    assert lines[1].split() == ["sink", "accepted", "delivered", "pending", "dead", "dropped"]
    assert lines[2].split() == ["openscale", "1000010", "1000000", "5", "2", "3"]
    assert max(map(len, lines)) <= 80


def test_what_needs_a_look_is_said_below(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, account(), account(sink="old", configured=False, delivered=7))
    assert "openscale: dropped: filtered_out 1, sink_removed 2." in text
    assert "openscale: the oldest pending call is of 2023-11-14T22:13:20Z." in text
    assert "old: not in the configuration any more." in text
    assert "old: THE BOOKS DO NOT BALANCE" in text
    assert "openscale: THE BOOKS" not in text


def test_replays_and_recoveries_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "openscale: 7 records sent once more by replay." in shown(capsys, account(replayed=7))
    recoveries = Recoveries(times=2, records_kept=90, records_lost=10, uncounted=1)
    show_stats(SpoolStats(accounts=[], depth=SpoolDepth(1, 1), recoveries=recoveries))
    told = "A damaged file was set aside 2 times: 90 records kept, 10 lost, and more that nobody counted."
    assert told in capsys.readouterr().out


def test_quiet_sink_has_no_remarks(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = account(accepted=3, delivered=3, pending=0, dead=0, dropped={}, oldest_pending_at_us=None)
    assert "openscale:" not in shown(capsys, quiet)
