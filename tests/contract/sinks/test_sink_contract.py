"""Every sink passes the conformance kit. To add one: a module with its bench, and a class here."""

import sys

import pytest

from adapters.testing.conformance import AuditableSinkConformance, HttpSinkConformance, SinkConformance
from adapters.testing.conformance.records import in_seconds
from gateway.registry import Registry
from schemas.errors import SinkUnavailableError
from tests.contract.sinks.case_kafka import KafkaBench
from tests.contract.sinks.case_object_store import AzureBlobBench, S3Bench
from tests.contract.sinks.case_openscale import OpenScaleBench, OpenScaleV1Bench
from tests.contract.sinks.case_postgres import PostgresBench
from tests.contract.sinks.case_webhook import WebhookBench


class TestOpenScale(HttpSinkConformance, AuditableSinkConformance):
    """The sink that is issued credentials, and settles later than it sends."""

    case = OpenScaleBench

    async def test_credentials_that_expired_are_renewed_within_the_same_send_and_settle(
        self, bench: OpenScaleBench
    ) -> None:
        await bench.deliver(bench.batch("a"))
        bench.expire_credentials()
        receipt = await bench.sink.send(bench.batch("b"), deadline=in_seconds(10))
        bench.expire_credentials()
        assert (await bench.settled(receipt)).state == "stored"
        assert await bench.stored() == ["a-1", "b-1"]

    async def test_a_deadline_in_the_past_leaves_open_what_became_of_a_batch(self, bench: OpenScaleBench) -> None:
        receipt = await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))
        with pytest.raises(SinkUnavailableError):
            await bench.sink.settle(receipt, deadline=in_seconds(-1))


class TestOpenScaleV1(TestOpenScale):
    """The same by the API that can't be asked what became of a batch."""

    case = OpenScaleV1Bench


class TestWebhook(HttpSinkConformance):
    case = WebhookBench


class TestKafka(SinkConformance, AuditableSinkConformance):
    case = KafkaBench


class TestS3(SinkConformance, AuditableSinkConformance):
    case = S3Bench


class TestAzureBlobs(SinkConformance, AuditableSinkConformance):
    case = AzureBlobBench


@pytest.mark.acceptance
class TestPostgres(SinkConformance, AuditableSinkConformance):
    case = PostgresBench


def test_every_sink_is_under_contract() -> None:
    suites = [item for name, item in vars(sys.modules[__name__]).items() if name.startswith("Test")]
    assert {suite.case.plugin.kind for suite in suites} == set(Registry.load().sinks)
