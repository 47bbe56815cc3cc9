"""What every engine promises, against its emulator over real sockets."""

import asyncio
import logging
import re
from datetime import datetime

import pytest

from adapters.base import API_VERSION, CallContext
from adapters.testing.emulator import Fault
from schemas.errors import (
    EngineError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnavailableError,
)

SCORING_ID = "0193500000007000800000000000000a"


def context(seconds: float = 30.0) -> CallContext:
    return CallContext(SCORING_ID, asyncio.get_running_loop().time() + seconds)


@pytest.fixture
async def engine(under_test, case, transport):
    async with under_test.plugin.connect(case.settings, transport) as engine:
        yield engine


@pytest.fixture
async def scorer(under_test, case, transport):
    async with under_test.plugin.connect(case.settings_at(case.emulator.url), transport) as scorer:
        yield scorer


@pytest.fixture
def endpoint(scorer):
    return scorer.configured()[0]


async def test_descriptor_names_its_kind_and_api(under_test):
    assert under_test.plugin.kind
    assert under_test.plugin.api_version == API_VERSION
    assert under_test.plugin.timeout_seconds > 0


async def test_connecting_and_the_configured_endpoints_need_no_network(under_test, case, transport):
    async with under_test.plugin.connect(case.settings_at(case.emulator.url), transport) as engine:
        assert [endpoint.name for endpoint in engine.configured()] == [case.endpoint]
        assert engine.configured() == engine.configured()
    assert case.emulator.requests == {}


async def test_discovery_lists_what_scores(engine, case):
    endpoints = await engine.endpoints()
    assert endpoints == await engine.endpoints()
    names = [endpoint.name for endpoint in endpoints]
    assert case.endpoint in names
    assert len(set(names)) == len(names)
    for endpoint in endpoints:
        for at in (endpoint.created_at, endpoint.modified_at):
            assert at is None or (at.endswith("Z") and datetime.fromisoformat(at))
        assert endpoint.asset is None or re.fullmatch(r"\S+", endpoint.asset.id)


async def test_a_discovered_endpoint_scores(engine, case):
    endpoint = next(endpoint for endpoint in await engine.endpoints() if endpoint.name == case.endpoint)
    assert (await engine.invoke(endpoint, case.request, context())).body == case.answer


async def test_a_call_is_one_exchange_and_returns_the_platforms_bytes(scorer, endpoint, case, under_test):
    before = case.emulator.requests.get(under_test.scoring_route, 0)
    answer = await scorer.invoke(endpoint, case.request, context())
    assert answer.body == case.answer
    assert answer.status == 200
    assert answer.content_type.startswith("application/json")
    assert case.emulator.requests[under_test.scoring_route] == before + 1


async def test_failure_becomes_our_error(scorer, endpoint, case, failure):
    case.emulator.play(failure.fault)
    with pytest.raises(EngineError) as caught:
        await scorer.invoke(endpoint, case.request, context())
    error = caught.value
    assert type(error) is failure.error
    assert error.retryable is failure.retryable
    assert error.engine_status == failure.engine_status
    assert error.retry_after == failure.retry_after
    if failure.engine_message is not None:
        assert error.engine_message == failure.engine_message
        assert failure.engine_message not in error.message


async def test_an_engine_recovers_with_its_platform(scorer, endpoint, case, under_test):
    case.emulator.play(Fault(route=under_test.scoring_route, status=500, body=b"{}"))
    with pytest.raises(EngineError):
        await scorer.invoke(endpoint, case.request, context())
    assert (await scorer.invoke(endpoint, case.request, context())).body == case.answer


async def test_wrong_credentials_are_refused_in_scoring_and_discovery(under_test, case, endpoint, transport):
    async with under_test.plugin.connect(case.wrong_credentials, transport) as stranger:
        with pytest.raises(EngineRefusedError):
            await stranger.invoke(endpoint, case.request, context())
        with pytest.raises(EngineRefusedError):
            await stranger.endpoints()


async def test_discovery_reports_a_failing_control_plane(engine, case, under_test):
    case.emulator.play(Fault(route=under_test.control_route, status=400, body=b"{}", times=None))
    with pytest.raises(EngineError):
        await engine.endpoints()
    case.emulator.recover()
    assert await engine.endpoints()


async def test_silence_ends_at_the_deadline(scorer, endpoint, case, under_test):
    case.emulator.play(Fault(route=under_test.scoring_route, delay_seconds=20.0))
    started = asyncio.get_running_loop().time()
    with pytest.raises(EngineTimeoutError) as caught:
        await scorer.invoke(endpoint, case.request, context(0.2))
    assert not caught.value.retryable
    assert asyncio.get_running_loop().time() - started < 5


@pytest.mark.parametrize("connection", ["reset", "truncate"])
async def test_a_lost_connection_must_not_be_retried(scorer, endpoint, case, under_test, connection):
    case.emulator.play(Fault(route=under_test.scoring_route, connection=connection))
    with pytest.raises(EngineError) as caught:
        await scorer.invoke(endpoint, case.request, context())
    assert not caught.value.retryable


async def test_nothing_sent_may_be_retried(under_test, case, transport):
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with under_test.plugin.connect(case.settings_at(f"http://127.0.0.1:{port}"), transport) as engine:
        with pytest.raises(EngineUnavailableError) as caught:
            await engine.invoke(engine.configured()[0], case.request, context())
    assert caught.value.retryable


async def test_cancelling_a_call_closes_its_exchange(under_test, case, transport):
    arrived, closed = asyncio.Event(), asyncio.Event()

    async def platform(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        while await reader.read(65536):
            pass
        closed.set()
        writer.close()

    server = await asyncio.start_server(platform, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, under_test.plugin.connect(case.settings_at(url), transport) as engine:
        call = asyncio.create_task(engine.invoke(engine.configured()[0], case.request, context()))
        async with asyncio.timeout(10):
            await arrived.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await closed.wait()


async def test_no_secret_reaches_a_log_or_an_error(under_test, case, transport, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    spoken = []
    async with under_test.plugin.connect(case.settings, transport) as engine:
        endpoints = await engine.endpoints()
        endpoint = next(item for item in endpoints if item.name == case.endpoint)
        await engine.invoke(endpoint, case.request, context())
        for fault in (Fault(status=403, body=b"{}"), Fault(connection="reset")):
            case.emulator.play(fault)
            with pytest.raises(EngineError) as caught:
                await engine.invoke(endpoint, case.request, context())
            spoken.append(f"{caught.value} {caught.value!r} {caught.value.__cause__!r}")
        spoken.append(f"{engine!r} {case.settings!r} {endpoints!r}")
    printed = capsys.readouterr()
    everything = "\n".join([*spoken, caplog.text, printed.out, printed.err])
    for secret in case.secrets:
        assert secret not in everything
