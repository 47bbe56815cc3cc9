import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from aiohttp import web

from adapters.engines.sagemaker.credentials import ChainKeys, ConfiguredKeys
from adapters.engines.sagemaker.settings import SageMakerSettings
from adapters.engines.sagemaker.signing import Keys
from schemas.errors import EngineRefusedError, EngineUnavailableError

SETTINGS = msgspec.convert({"type": "sagemaker", "region": "us-east-1"}, SageMakerSettings)


def soon(seconds=20.0):
    return asyncio.get_running_loop().time() + seconds


def write(path, key):
    path.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = secret-{key}\n")


class ContainerRole:
    """The credentials endpoint of a container: every answer is another key."""

    def __init__(self, lifetime):
        self.lifetime = lifetime
        self.asked = 0
        self.answer = asyncio.Event()
        self.answer.set()
        self.arrived = asyncio.Event()

    async def get(self, request):
        self.asked += 1
        self.arrived.set()
        await self.answer.wait()
        return web.json_response(
            {
                "AccessKeyId": f"KEY{self.asked}",
                "SecretAccessKey": "secret",
                "Token": "token",
                "Expiration": (datetime.now(UTC) + self.lifetime).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )


@pytest.fixture
async def container_role(aiohttp_server, monkeypatch):
    role = ContainerRole(timedelta(hours=6))
    app = web.Application()
    app.router.add_get("/role", role.get)
    server = await aiohttp_server(app, host="127.0.0.1")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.port}/role")
    return role


@pytest.fixture
async def chain():
    chain = ChainKeys(SETTINGS, reopen_seconds=0)
    yield chain
    await chain.close()


async def test_configured_keys_are_always_the_same():
    keys = Keys("AKID", "secret")
    source = ConfiguredKeys(keys)
    assert await source.keys(deadline=0) is keys
    assert await source.keys(deadline=0, rejected=keys) is keys


async def test_the_chain_reads_the_shared_file(chain, shared_credentials):
    write(shared_credentials, "ONE")
    assert await chain.keys(deadline=soon()) == Keys("ONE", "secret-ONE")


async def test_rejected_keys_are_looked_for_again(chain, shared_credentials):
    write(shared_credentials, "ONE")
    first = await chain.keys(deadline=soon())
    write(shared_credentials, "TWO")
    assert await chain.keys(deadline=soon()) is first
    assert await chain.keys(deadline=soon(), rejected=first) == Keys("TWO", "secret-TWO")


async def test_rejected_keys_are_not_looked_for_at_every_call(shared_credentials):
    chain = ChainKeys(SETTINGS, reopen_seconds=3600)
    write(shared_credentials, "ONE")
    first = await chain.keys(deadline=soon())
    write(shared_credentials, "TWO")
    assert await chain.keys(deadline=soon(), rejected=first) is first
    await chain.close()


async def test_a_call_with_keys_that_were_replaced_meanwhile_gets_the_new_ones(chain, shared_credentials):
    write(shared_credentials, "ONE")
    first = await chain.keys(deadline=soon())
    write(shared_credentials, "TWO")
    second, third = await asyncio.gather(
        chain.keys(deadline=soon(), rejected=first), chain.keys(deadline=soon(), rejected=first)
    )
    assert second == third == Keys("TWO", "secret-TWO")
    assert await chain.keys(deadline=soon(), rejected=first) is second


async def test_no_credentials_anywhere_is_refused_with_advice(chain):
    with pytest.raises(EngineRefusedError, match="set `credentials`"):
        await chain.keys(deadline=soon())


async def test_calls_that_wait_share_one_question(chain, container_role):
    keys = await asyncio.gather(*(chain.keys(deadline=soon()) for _ in range(20)))
    assert {key.access_key_id for key in keys} == {"KEY1"}
    assert container_role.asked == 1


async def test_a_chain_that_does_not_answer_ends_at_the_deadline(chain, container_role):
    container_role.answer.clear()
    with pytest.raises(EngineUnavailableError, match="in time"):
        await chain.keys(deadline=soon(0.05))
    container_role.answer.set()
    assert (await chain.keys(deadline=soon())).session_token == "token"


async def test_temporary_keys_are_renewed_behind_the_calls(container_role):
    container_role.lifetime = timedelta(minutes=12)
    chain = ChainKeys(SETTINGS, ask_seconds=0)
    first = await chain.keys(deadline=soon())
    container_role.lifetime = timedelta(hours=6)
    container_role.arrived.clear()
    container_role.answer.clear()
    assert await chain.keys(deadline=soon()) is first
    async with asyncio.timeout(10):
        await container_role.arrived.wait()
        container_role.answer.set()
        await next(task for task in asyncio.all_tasks() if task.get_name() == "aws-credentials")
    assert (await chain.keys(deadline=soon())).access_key_id == f"KEY{container_role.asked}"
    await chain.close()


async def test_a_source_that_fails_is_reported_without_its_words(chain, shared_credentials):
    shared_credentials.write_text("[default]\ncredential_process = sh -c 'echo hidden words >&2; exit 1'\n")
    with pytest.raises(EngineUnavailableError, match="CredentialRetrievalError") as caught:
        await chain.keys(deadline=soon())
    assert caught.value.retryable
    assert "hidden words" not in str(caught.value)


async def test_closing_ends_a_question_that_is_under_way(container_role):
    container_role.answer.clear()
    chain = ChainKeys(SETTINGS)
    waiting = asyncio.create_task(chain.keys(deadline=soon()))
    async with asyncio.timeout(10):
        await container_role.arrived.wait()
        await chain.close()
        with pytest.raises(EngineUnavailableError):
            await waiting
    container_role.answer.set()
