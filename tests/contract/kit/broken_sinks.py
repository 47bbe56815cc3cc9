"""Sinks that break one promise each, under the kit: see `broken_engines`."""

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import Any, ClassVar
from uuid import uuid4

import msgspec

from adapters.base import Batch, Receipt, RecordFilter, Settlement, SinkPlugin
from adapters.sinks import webhook
from adapters.testing.conformance import HttpSinkConformance
from schemas.errors import PayloadLogError, SinkRefusedError, SinkUnavailableError
from tests.contract.kit.broken_engines import going_on
from tests.contract.sinks.case_webhook import WebhookBench


def bench_of(sink: type[webhook.Webhook], **changes: Any) -> type[WebhookBench]:
    @asynccontextmanager
    async def connect(settings: Any, transport: Any) -> Any:
        yield sink(settings, transport)

    plugin = SinkPlugin(kind="broken", settings=webhook.plugin.settings, connect=connect)
    return type("Bench", (WebhookBench,), {"plugin": plugin, **changes})


def fresh(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


class TestOfAnotherApi(HttpSinkConformance):
    plugin = SinkPlugin(kind="", settings=webhook.plugin.settings, connect=webhook.plugin.connect, api_version=0)
    case = bench_of(webhook.Webhook, plugin=plugin)
    fails: ClassVar = {"test_its_descriptor_names_its_kind_and_the_api": "assert ''"}


class TestWithoutSecrets(HttpSinkConformance):
    case = bench_of(webhook.Webhook, secrets=())
    fails: ClassVar = {"test_its_bench_names_the_secrets_that_it_uses": "list them in `secrets`"}


class Swapping(webhook.Webhook):
    """Takes the response for the request, and all records whatever its settings select."""

    @property
    def filter(self) -> RecordFilter:
        return RecordFilter()

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        items = [
            msgspec.structs.replace(item, record=record, line=record.encode())
            for item in batch.records
            for record in [
                msgspec.structs.replace(item.record, request=item.record.response, response=item.record.request)
            ]
        ]
        return await super().send(msgspec.structs.replace(batch, records=items), deadline=deadline)


class TestSwapping(HttpSinkConformance):
    case = bench_of(Swapping)
    fails: ClassVar = {
        "test_each_record_is_stored_with_its_own_request_and_response": "Each row is stored beside its own prediction",
        "test_it_is_owed_what_its_settings_select": "Return `record_filter(settings)` as `filter`",
    }


class Forgetful(webhook.Webhook):
    """Takes its time, and says that what failed is stored."""

    async def send(self, batch: Any, *, deadline: float) -> Receipt:
        try:
            return await super().send(batch, deadline=fresh(60))
        except (SinkUnavailableError, SinkRefusedError):
            return Receipt()


class TestForgetful(HttpSinkConformance):
    case = bench_of(Forgetful)
    fails: ClassVar = {
        "test_a_batch_whose_answer_was_lost_is_unavailable_and_stored_once_when_it_comes_again": "DID NOT RAISE",
        "test_a_broken_connection_is_unavailable_and_the_sink_goes_on": "DID NOT RAISE",
        "test_nobody_listening_is_unavailable": "DID NOT RAISE",
        "test_a_refused_record_is_found_and_costs_no_other": "Alone, the refused record is refused",
        "test_a_batch_with_a_refused_record_is_not_said_to_be_stored": "Name the record at fault",
        "test_a_slow_far_side_is_left_at_the_deadline": "TimeoutError",
        "test_a_deadline_in_the_past_is_unavailable_at_once": "DID NOT RAISE",
        "test_a_far_side_that_is_down_is_unavailable_and_says_how_long_to_wait": "DID NOT RAISE",
        "test_a_body_that_the_far_side_will_never_take_is_refused": "DID NOT RAISE",
        "test_a_fault_of_the_configuration_never_costs_a_record": "DID NOT RAISE",
    }


class Renaming(webhook.Webhook):
    """Gives records ids of its own, so that what comes again is stored again."""

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        items = [
            msgspec.structs.replace(item, record=record, line=record.encode())
            for item in batch.records
            for record in [msgspec.structs.replace(item.record, scoring_id=uuid4().hex)]
        ]
        return await super().send(msgspec.structs.replace(batch, records=items), deadline=deadline)


class TestRenaming(HttpSinkConformance):
    case = bench_of(Renaming)
    fails: ClassVar = {
        "test_a_settled_batch_is_stored_with_every_row_of_every_record": "assert [",
        "test_a_batch_that_comes_again_in_other_cuts_is_stored_once": "assert [",
    }


class Stubborn(webhook.Webhook):
    """Goes on when it is cancelled, sends one batch at a time, and never comes to an end with settling."""

    _busy = False

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        if self._busy:
            raise PayloadLogError("One at a time.")
        self._busy = True
        sending = going_on(super().send(batch, deadline=deadline))
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            return await sending
        finally:
            self._busy = False

    async def settle(self, receipt: Receipt, *, deadline: float) -> Settlement:
        await asyncio.Event().wait()
        raise AssertionError


class TestStubborn(HttpSinkConformance):
    case = bench_of(Stubborn)
    fails: ClassVar = {
        "test_settling_ends_by_its_deadline": "TimeoutError",
        "test_a_cancelled_send_ends_at_once_and_the_sink_goes_on": "Cancelled, it has to end at once",
        "test_batches_may_be_under_way_at_the_same_time": "One at a time.",
    }


class Talkative(webhook.Webhook):
    """Logs what it sends, and has another mind each time about what it is owed."""

    @property
    def filter(self) -> RecordFilter:
        return RecordFilter(deployments=frozenset({uuid4().hex}))

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        logging.getLogger("talkative").info("sending %r", batch.records[0].line)
        return await super().send(batch, deadline=deadline)


class TestTalkative(HttpSinkConformance):
    case = bench_of(Talkative)
    fails: ClassVar = {
        "test_the_filter_and_the_partition_stay_the_same": "assert RecordFilter(",
        "test_no_error_and_no_log_line_holds_a_payload_value_or_a_secret": "Say what kind of error it is",
        "test_what_a_far_side_quotes_reaches_no_error_and_no_log_line": "The far side's words can quote a record",
    }
