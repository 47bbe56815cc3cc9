"""The kit finds what it says it does, and says what it needs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
FOUND = {
    "TestEngine": {
        "test_discovery_lists_what_scores_and_the_same_again",
        "test_silence_ends_at_the_deadline_and_must_not_be_retried",
        "test_a_deadline_in_the_past_ends_at_once_and_calls_nobody",
        "test_cancelling_a_call_closes_its_exchange",
        "test_a_failure_becomes_our_error",
        "test_no_secret_reaches_a_log_or_an_error",
    },
    "TestFormat": {
        "test_its_media_type_is_bare_and_asks_for_what_it_writes",
        "test_whatever_it_carries_comes_back_as_it_was",
        "test_a_cell_that_it_cant_carry_is_refused_by_its_place",
        "test_another_number_of_rows_is_refused",
        "test_any_bytes_are_read_as_so_many_rows_or_refused",
    },
    "TestSink": {
        "test_a_batch_whose_answer_was_lost_is_unavailable_and_stored_once_when_it_comes_again",
        "test_a_broken_connection_is_unavailable_and_the_sink_goes_on",
        "test_nobody_listening_is_unavailable",
        "test_a_slow_far_side_is_left_at_the_deadline",
        "test_a_deadline_in_the_past_is_unavailable_at_once",
    },
}


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=PROJECT, capture_output=True, text=True, timeout=110, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("suite", FOUND)
def test_a_broken_promise_fails_the_test_of_its_name(suite: str) -> None:
    file, wanted = (
        "tests/contract/kit/broken_plugins.py",
        {"test_its_descriptor_names_its_kind_and_the_api", *FOUND[suite]},
    )
    chosen = ("-k", " or ".join(wanted))
    printed = run("-m", "pytest", f"{file}::{suite}", *chosen, "-p", "no:cacheprovider", "-q", "--tb=no")
    failed = set(re.findall(rf"^(?:FAILED|ERROR) \S+::{suite}::(\w+)", printed, re.MULTILINE))
    assert failed >= FOUND[suite], printed
    assert re.search(r"\b1 passed\b", printed), printed


def test_without_its_tools_the_kit_says_what_to_install() -> None:
    printed = run("-c", "import sys; sys.modules['hypothesis'] = None; import adapters.testing.conformance")
    assert "pip install 'openscale-gateway[conformance]'" in printed
