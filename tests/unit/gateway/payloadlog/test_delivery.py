import asyncio
import math
from collections.abc import Sequence

import pytest

from adapters.base.sink import Batch, BatchRecord
from gateway.payloadlog.cursors import DeadLetter
from gateway.payloadlog.delivery import TRIES, TRIES_UNPROVEN, Delivery
from gateway.payloadlog.pace import Pace
from schemas.errors import SinkUnavailableError
from schemas.payload import decode_record
from tests.fakes.payload_records import entry
from tests.fakes.sinks import FakeSink

PACE = Pace(backoff=0.001, backoff_at_most=0.002, ask=0.001, send=1.0, settled_within=1.0)


class Books:
    """What a delivery reports: the cursor's moves, and the dead."""

    def __init__(self) -> None:
        self.cursor = 0
        self.delivered = 0
        self.dead: list[DeadLetter] = []

    async def advance(self, cursor: int, delivered: int, dead: Sequence[DeadLetter]) -> None:
        assert cursor > self.cursor
        self.cursor = cursor
        self.delivered += delivered
        self.dead += dead


def batch(n: int) -> Batch:
    lines = [entry().line for _ in range(n)]
    return Batch("credit", "", [BatchRecord(seq, line, decode_record(line)) for seq, line in enumerate(lines, 1)])


def id_of(sent: Batch, n: int) -> str:
    return sent.records[n].record.scoring_id


async def deliver(sink: FakeSink, sent: Batch, pace: Pace = PACE) -> Books:
    books = Books()
    await Delivery(sink, pace, advance=books.advance, pause=asyncio.sleep).deliver(sent)
    assert books.cursor == sent.records[-1].seq
    assert books.delivered + len(books.dead) == len(sent.records)
    return books


@pytest.mark.parametrize("how", ["refuse", "fail", "break"])
@pytest.mark.parametrize("place", [0, 1, 499, 500, 617, 999])
async def test_poison_record_costs_about_twice_the_logarithm_in_extra_sends(how: str, place: int) -> None:
    sent, sink = batch(1000), FakeSink()
    sink.how, sink.poison = how, {id_of(sent, place)}
    books = await deliver(sink, sent)
    assert [letter.scoring_id for letter in books.dead] == [id_of(sent, place)]
    assert sink.stored == [one.record.scoring_id for one in sent.records if one.record.scoring_id not in sink.poison]
    tries_of_culprit = 0 if how == "refuse" else TRIES_UNPROVEN if place == 0 else TRIES
    assert len(sink.sends) - 1 <= 2 * math.ceil(math.log2(1000)) + tries_of_culprit + TRIES


async def test_several_poison_records_are_all_found() -> None:
    sent, sink = batch(64), FakeSink()
    sink.poison = {id_of(sent, n) for n in (0, 1, 31, 32, 63)}
    assert {letter.scoring_id for letter in (await deliver(sink, sent)).dead} == sink.poison


async def test_records_refused_by_name_are_dead_letters_and_the_others_are_not_sent_again() -> None:
    sent, sink = batch(10), FakeSink()
    sink.how, sink.poison = "name", {id_of(sent, 3)}
    books = await deliver(sink, sent)
    assert [(letter.seq, letter.reason) for letter in books.dead] == [(4, "The sink refuses it.")]
    assert sink.sends == [10]


async def test_failure_that_passes_is_not_searched_for_a_culprit() -> None:
    sink = FakeSink()
    sink.forgetful = TRIES - 1
    assert not (await deliver(sink, batch(5))).dead
    assert sink.sends == [5] * TRIES


async def test_single_record_that_fails_is_given_up_only_after_many_tries() -> None:
    sink = FakeSink()
    sink.broken = True
    books = await deliver(sink, batch(1))
    assert [letter.reason for letter in books.dead] == ["The sink failed."]
    assert len(sink.sends) == TRIES_UNPROVEN


async def test_reason_of_a_broken_sink_names_the_error_and_not_its_words() -> None:
    sent, sink = batch(1), FakeSink()
    sink.how, sink.poison = "break", {id_of(sent, 0)}
    books = await deliver(sink, sent)
    assert [letter.reason for letter in books.dead] == ["The sink raised ValueError."]


async def test_sink_that_goes_down_meanwhile_keeps_what_it_stored() -> None:
    sent, sink, books = batch(8), FakeSink(), Books()
    sink.poison = {id_of(sent, 0)}

    async def advance(cursor: int, delivered: int, dead: Sequence[DeadLetter]) -> None:
        await books.advance(cursor, delivered, dead)
        if cursor == 4:
            sink.down = {"credit"}

    with pytest.raises(SinkUnavailableError):
        await Delivery(sink, PACE, advance=advance, pause=asyncio.sleep).deliver(sent)
    assert (books.cursor, books.delivered, len(books.dead)) == (4, 3, 1)


async def test_sink_that_never_settles_is_unavailable() -> None:
    sink = FakeSink()
    sink.asks = 10**9
    with pytest.raises(SinkUnavailableError, match="not stored"):
        await deliver(sink, batch(1), Pace(ask=0.001, ask_at_most=0.002, settled_within=0.01))


async def test_sink_that_ignores_its_deadline_is_unavailable() -> None:
    sink = FakeSink()
    sink.hanging = {"credit"}
    with pytest.raises(SinkUnavailableError, match="no answer"):
        await deliver(sink, batch(1), Pace(send=0.01))
