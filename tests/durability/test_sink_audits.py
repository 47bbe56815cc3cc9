"""Audits beside a running gateway: of sinks that can be read, and of one that can't."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from adapters.testing.sagemaker import SageMakerEmulator
from adapters.testing.webhook import WebhookReceiver
from gateway.payloadlog.reading import SpoolReader
from tests.fakes.kafka import KafkaCluster
from tests.gateway_commands import audited, payloads
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.calling import SPOOL, becomes, calling, credit_rows, score
from tests.process.clouds import AWS, aws_part, configuration

N_CALLS = 4
FOREIGN = "f" * 32
SECRET = "whsec_Y29udHJhY3QtY29udHJhY3QtY29udHJhY3Q="


@pytest.fixture
def cluster() -> Iterator[KafkaCluster]:
    with KafkaCluster() as cluster:
        cluster.create("payloads")
        yield cluster


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver(secret=SECRET) as receiver:
        yield receiver


@pytest.fixture
async def gateway(
    sagemaker: SageMakerEmulator,
    cluster: KafkaCluster,
    receiver: WebhookReceiver,
    start_gateway: StartGateway,
    tmp_path: Path,
) -> GatewayProcess:
    (tmp_path / "lake").mkdir()
    # Closed by their number rather than their age, so that all records are in one object.
    batch = {"seconds": 5, "records": N_CALLS}
    lake = {"type": "object_store", "url": (tmp_path / "lake").as_uri(), "format": "jsonl"}
    stream = {"type": "kafka", "bootstrap_servers": cluster.bootstrap_servers, "topic": "payloads"}
    hook = {"type": "webhook", "url": receiver.events_url, "secret": SECRET}
    sinks = {name: sink | {"batch": batch} for name, sink in (("lake", lake), ("stream", stream), ("hook", hook))}
    return await start_gateway(configuration(aws_part(sagemaker.url), sinks=sinks))


async def test_an_audit_names_what_a_folder_and_a_topic_have_lost_and_have_too_much(
    gateway: GatewayProcess, cluster: KafkaCluster, tmp_path: Path
) -> None:
    async with calling(gateway) as session:
        answers = [await score(session, AWS, credit_rows(2)) for _ in range(N_CALLS)]
    await becomes(lambda: all(account.pending == 0 for account in SpoolReader(tmp_path / SPOOL).accounts()))
    assert await audited(gateway, "lake") == await audited(gateway, "stream") == {}

    lost, doubled = answers[0].scoring_id, answers[1].scoring_id
    (file,) = (tmp_path / "lake").rglob("*.jsonl")
    spoil_folder(file, lost, doubled)
    await spoil_topic(gateway, cluster, lost, doubled)
    expected = {"missing": [lost], "doubled": [doubled], "surplus": [FOREIGN]}
    assert await audited(gateway, "lake") == await audited(gateway, "stream") == expected

    file.write_bytes(b"half of a li")
    ended = await payloads(gateway, "audit")
    assert ended.code == 1
    assert f"missing: stream {AWS} {lost}" in ended.output
    assert file.name in ended.complaint
    assert "hook: It can't be asked what it holds" in ended.complaint
    shown = [" ".join(line.split()) for line in ended.output.splitlines()]
    assert f"hook {N_CALLS} {N_CALLS} 0 0 0 yes - - - - - -" in shown


def spoil_folder(file: Path, lost: str, doubled: str) -> None:
    """Lose a record of an object, and put another one beside it."""
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(line for line in lines if lost.encode() not in line))
    again = b"".join(line for line in lines if doubled.encode() in line)
    file.with_name(f"{doubled}-{FOREIGN}-2.jsonl").write_bytes(
        again + again.replace(doubled.encode(), FOREIGN.encode())
    )


async def spoil_topic(gateway: GatewayProcess, cluster: KafkaCluster, lost: str, doubled: str) -> None:
    """Let the configuration name another topic, filled from a copy with faults: messages can't be removed."""
    values = [message.value() or b"" for message in await cluster.messages("payloads")]
    kept = [value for value in values if lost.encode() not in value]
    again = [value for value in values if doubled.encode() in value]
    foreign = [value.replace(doubled.encode(), FOREIGN.encode()) for value in again]
    await asyncio.to_thread(publish, cluster, "restored", *kept, *again, *foreign)
    gateway.config_file.write_text(gateway.config_file.read_text().replace("topic: payloads", "topic: restored"))


def publish(cluster: KafkaCluster, topic: str, *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers, "log_level": 0})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(10) == 0
    producer.close()
