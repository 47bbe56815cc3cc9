"""The tap over a real spool: which calls are recorded, and which columns of them."""

from pathlib import Path
from typing import Any

import pytest

from gateway.payloadlog.call_record import CallRecord, Unlogged
from gateway.payloadlog.tap import unrecorded
from gateway.scoring_id import mint
from schemas.configuration import DeploymentSettings, InputSettings, LogMarkerSettings
from schemas.errors import UnprocessableRequestError
from schemas.scoring import ScoringRequest
from tests.fakes.gateways import MONITOR, tapped_call
from tests.fakes.taps import REQUEST, RESPONSE, RESPONSE_TEXT, bench


@pytest.mark.parametrize(
    ("settings", "call", "reason"),
    [
        ({}, {}, None),
        ({}, {"caller": MONITOR}, "monitor"),
        ({}, {"never_logged": True}, "monitor"),
        ({"log": "all"}, {"caller": MONITOR}, None),
        ({"log": "all"}, {"caller": MONITOR, "never_logged": True}, "monitor"),
        ({"log": "none"}, {}, "log_none"),
        ({"log": "none"}, {"caller": MONITOR}, "log_none"),
        ({"log_marker": LogMarkerSettings(header="x")}, {}, "no_marker"),
        ({"log_marker": LogMarkerSettings(header="x")}, {"marked": True}, None),
        ({"log_marker": LogMarkerSettings(header="x")}, {"marked": True, "caller": MONITOR}, "monitor"),
        ({"sample": 0.0}, {}, "sampled_out"),
        ({"sample": 1.0}, {}, None),
        ({"sample": 0.0, "log": "none"}, {}, "log_none"),
    ],
)
async def test_what_is_not_recorded_is_counted_with_its_reason(
    tmp_path: Path, settings: dict[str, Any], call: dict[str, Any], reason: str | None
) -> None:
    tapped = tapped_call(**call)
    assert unrecorded(DeploymentSettings(**settings), tapped) == reason
    async with bench(tmp_path) as at:
        async with at.open(tapped, **settings) as record:
            record.answered(RESPONSE, RESPONSE_TEXT)
        assert isinstance(record, CallRecord if reason is None else Unlogged)
        assert len(at.records()) == (reason is None)
        counted = ("recorded", "credit", "scored") if reason is None else ("not recorded", "credit", reason)
        assert at.counted.reports == [counted]


def test_sample_is_a_share_of_calls_told_by_their_id_alone() -> None:
    calls = [tapped_call(scoring_id=mint(n)) for n in range(4_000)]

    def kept(sample: float) -> set[str]:
        settings = DeploymentSettings(sample=sample)
        return {call.scoring_id for call in calls if unrecorded(settings, call) is None}

    assert 800 < len(kept(0.25)) < 1_200
    assert kept(0.25) == kept(0.25)
    assert kept(0.25) < kept(0.5)


async def test_unnamed_columns_are_redacted_as_the_mapping_takes_them(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        unnamed = ScoringRequest(REQUEST.values, None)
        columns = InputSettings(fields=("Source", "Name", "Age"), constants={"Source": "web"})
        async with at.open(request=unnamed, redact={"Name": "mask"}, input=columns) as record:
            record.answered(RESPONSE, RESPONSE_TEXT)
        assert at.records()[0]["request"] == {"values": [["***", 41], ["***", 17]]}


async def test_unnamed_columns_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        with pytest.raises(UnprocessableRequestError, match="send `fields`"):
            at.open(request=ScoringRequest([["Ann"]], None), redact={"Name": "drop"})
        assert at.records() == []
