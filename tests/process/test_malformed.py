"""Malformed input of every kind: always a 4xx that says what is wrong, never a hang, and the next good call works."""

import asyncio
import gzip
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import json

from adapters.testing.azureml import AzureMLEmulator, EmulatedDeployment
from tests.corpus.malformed import corpus
from tests.corpus.mutated import mutated
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.calling import Answer, authorization, calling, connected, credit_rows, records, score
from tests.process.clouds import APPLICATION, AZURE, ENDPOINT, azure_part, configuration

CONNECTIONS = 4
HEX_ID = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
async def gateway(azure: AzureMLEmulator, start_gateway: StartGateway) -> GatewayProcess:
    """Before an endpoint that takes whatever reaches it."""
    azure.add_endpoint(ENDPOINT, deployments=[EmulatedDeployment(handler=_anything)])
    plain = azure_part(azure, output={})
    return await start_gateway(configuration(plain, server={"max_body_mb": 1}))


def _anything(body: Any) -> Any:
    return {"output": [{"prediction": 1} for _ in body["input"]]}


async def test_every_malformed_body_is_refused_with_its_place(gateway: GatewayProcess, tmp_path: Path) -> None:
    cases = corpus()
    assert len(cases) >= 200

    answers = await _answers(gateway, [case.body for case in cases])

    for case, answer in zip(cases, answers, strict=True):
        error = _only_error(answer)
        assert answer.status == case.status, case.name
        if case.target is not None:
            assert error.get("target") == case.target, case.name
    await _next_good_call_works(gateway)
    assert len(records(tmp_path)) == 1


async def test_no_damaged_body_is_a_fault(gateway: GatewayProcess, tmp_path: Path) -> None:
    answers = await _answers(gateway, list(mutated(5_000)))

    assert len(answers) == 5_000
    for answer in answers:
        if answer.status != 200:
            _only_error(answer)
    await _next_good_call_works(gateway)
    scored = [answer.scoring_id for answer in answers if answer.status == 200 and _has_rows(answer)]
    *recorded, _ = [record["scoring_id"] for record in records(tmp_path)]
    assert sorted(recorded) == sorted(scored)


GOOD = json.encode(credit_rows())
LINE = f"POST /v1/deployments/{AZURE}/online HTTP/1.1"
HEADERS = ("Host: gateway", f"Authorization: {authorization(APPLICATION)}", "Content-Type: application/json")


def _request(*headers: str, line: str = LINE, body: bytes = b"", common: Sequence[str] = HEADERS) -> bytes:
    return "\r\n".join((line, *common, *headers, "", "")).encode("latin-1") + body


def _sized(body: bytes, *headers: str, line: str = LINE, common: Sequence[str] = HEADERS) -> bytes:
    return _request(f"Content-Length: {len(body)}", *headers, line=line, body=body, common=common)


def _chunked(chunks: bytes, *headers: str) -> bytes:
    return _request("Transfer-Encoding: chunked", *headers, body=chunks)


WITHOUT_TYPE = HEADERS[:2]
OF_OTHER_TYPE = (*WITHOUT_TYPE, "Content-Type: text/csv")
BOMB = gzip.compress(b'{"values":[[' + b"1" * 5_000_000 + b"]]}")

MALFORMED_HTTP: dict[str, tuple[bytes, int]] = {
    "chunk size is no number": (_chunked(b"zz\r\n{}\r\n0\r\n\r\n"), 400),
    "chunk size is negative": (_chunked(b"-1\r\n{}\r\n0\r\n\r\n"), 400),
    "chunk is longer than its size": (_chunked(b"1\r\n{}\r\n0\r\n\r\n"), 400),
    "length and chunks": (_sized(GOOD, "Transfer-Encoding: chunked"), 400),
    "two lengths": (_sized(GOOD, "Content-Length: 5"), 400),
    "length is no number": (_request("Content-Length: many", body=GOOD), 400),
    "length is negative": (_request("Content-Length: -5", body=GOOD), 400),
    "unknown transfer encoding": (_request("Transfer-Encoding: rot13", body=GOOD), 400),
    "announced as too large": (_request("Content-Length: 1200000"), 413),
    "too large without an announcement": (_chunked(b"124F80\r\n" + b" " * 1_200_000 + b"\r\n0\r\n\r\n"), 413),
    "too large when unpacked": (_sized(BOMB, "Content-Encoding: gzip"), 413),
    "no gzip": (_sized(b"this is no gzip", "Content-Encoding: gzip"), 400),
    "cut gzip": (_sized(gzip.compress(GOOD)[:-60], "Content-Encoding: gzip"), 400),
    "gzip without saying so": (_sized(gzip.compress(GOOD)), 400),
    "no deflate": (_sized(b"this is no deflate", "Content-Encoding: deflate"), 400),
    "unknown content encoding": (_sized(gzip.compress(GOOD), "Content-Encoding: rot13"), 400),
    "CSV": (_sized(b"a,b\n1,2\n", common=OF_OTHER_TYPE), 415),
    "content type is nonsense": (_sized(GOOD, "Content-Type: ///", common=WITHOUT_TYPE), 415),
    "content type is empty": (_sized(GOOD, "Content-Type:", common=WITHOUT_TYPE), 415),
    "form": (_sized(b"a=1", "Content-Type: application/x-www-form-urlencoded", common=WITHOUT_TYPE), 415),
    "no body": (_request(), 400),
    "empty body": (_sized(b""), 400),
    "GET": (_request(line=LINE.replace("POST", "GET")), 405),
    "PUT": (_sized(GOOD, line=LINE.replace("POST", "PUT")), 405),
    "DELETE": (_request(line=LINE.replace("POST", "DELETE")), 405),
    "a method of nobody": (_request(line=LINE.replace("POST", "BREW")), 400),
    "TRACE": (_request(line=LINE.replace("POST", "TRACE")), 405),
    "method is no token": (_request(line=LINE.replace("POST", "PO(ST")), 400),
    "huge header": (_request(f"X-Long: {'x' * 100_000}"), 400),
    "many headers": (_request(*(f"X-{n}: 1" for n in range(5_000))), 400),
    "huge path": (_request(line=f"POST /{'x' * 100_000} HTTP/1.1"), 400),
    "header without a colon": (_request("Nonsense"), 400),
    "header with a NUL": (_request("X-Nul: a\x00b"), 400),
    "folded header": (_request("X-Folded: a\r\n b"), 400),
    "HTTP/9.9": (_request(line=LINE.replace("1.1", "9.9")), 400),
    "no version": (_request(line=LINE.replace(" HTTP/1.1", "")), 400),
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "path climbs out": (_sized(GOOD, line="POST /v1/../../etc/passwd HTTP/1.1"), 404),
    "path is no UTF-8": (_sized(GOOD, line="POST /v1/deployments/%ff%fe/online HTTP/1.1"), 404),
    "path has a NUL": (_sized(GOOD, line="POST /v1/deployments/%00/online HTTP/1.1"), 404),
    "unknown deployment": (_sized(GOOD, line="POST /v1/deployments/nobody/online HTTP/1.1"), 404),
    "unknown engine": (_sized(GOOD, line=LINE.replace("/v1", "/engines/nobody/v1")), 404),
    "long transaction id": (_sized(GOOD, f"X-Global-Transaction-Id: {'x' * 129}"), 400),
    "transaction id is no ASCII": (_sized(GOOD, "X-Global-Transaction-Id: \xe9"), 400),
    "no credential": (_sized(GOOD, common=("Host: gateway", "Content-Type: application/json")), 401),
    "credential is no base64": (_sized(GOOD, common=("Host: gateway", "Authorization: Basic %%%")), 401),
    "another scheme": (_sized(GOOD, common=("Host: gateway", "Authorization: Bearer abc")), 401),
    "wrong role": (_sized(GOOD, line=LINE.replace("/v1", "/monitor/v1")), 403),
    "wrong role for operations": (_request(line="GET /metrics HTTP/1.1"), 403),
}


async def test_malformed_http_is_refused_and_leaves_nothing(gateway: GatewayProcess, tmp_path: Path) -> None:
    for name, (request, status) in MALFORMED_HTTP.items():
        answer = await _raw(gateway, request)
        assert answer.status == status, name
        assert HEX_ID.fullmatch(answer.scoring_id), name
        assert _only_error(answer), name
        await _next_good_call_works(gateway)

    assert len(records(tmp_path)) == len(MALFORMED_HTTP)
    assert not [entry for entry in gateway.log if entry.get("level") == "error"]


async def test_a_request_for_no_path_is_refused(gateway: GatewayProcess) -> None:
    for line in ("OPTIONS * HTTP/1.1", "CONNECT example.com:443 HTTP/1.1"):
        assert (await _raw(gateway, _request(line=line))).status == 404, line


GOOD_HTTP: dict[str, bytes] = {
    "no content type": _sized(GOOD, common=WITHOUT_TYPE),
    "a JSON type of another name": _sized(GOOD, "Content-Type: application/vnd.ibm+json", common=WITHOUT_TYPE),
    "a charset": _sized(GOOD, "Content-Type: application/json; charset=utf-8", common=WITHOUT_TYPE),
    "gzip": _sized(gzip.compress(GOOD), "Content-Encoding: gzip"),
    "chunks": _chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD)),
    "an expectation of nobody": _sized(GOOD, "Expect: miracles"),
}


async def test_unusual_http_is_understood(gateway: GatewayProcess) -> None:
    for name, request in GOOD_HTTP.items():
        assert (await _raw(gateway, request)).status == 200, name
    async with connected(gateway) as (reader, writer):
        writer.write(_request(f"Content-Length: {len(GOOD)}", "Expect: 100-continue"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(GOOD)
        assert (await _read_answer(reader)).status == 200


async def test_a_caller_that_leaves_before_its_body_is_complete_leaves_nothing(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    for body in (_request(f"Content-Length: {len(GOOD)}", body=GOOD[:20]), _chunked(b"20\r\n" + GOOD[:20])):
        async with connected(gateway) as (_, writer):
            writer.write(body)
            await writer.drain()
    await _next_good_call_works(gateway)
    assert len(records(tmp_path)) == 1
    assert not [entry for entry in gateway.log if entry.get("level") in ("warning", "error")]


async def test_calls_behind_each_other_are_answered_in_their_order_until_garbage_follows(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    async with connected(gateway) as (reader, writer):
        writer.write(_sized(GOOD) * 3 + _sized(b"{}") + _sized(GOOD))
        answers = [await _read_answer(reader) for _ in range(5)]
        writer.write(b"{]garbage\r\n\r\n" + _sized(GOOD))
        assert (await _read_answer(reader)).status == 400
        assert await reader.read() == b""

    assert [answer.status for answer in answers] == [200, 200, 200, 400, 200]
    assert [record["scoring_id"] for record in records(tmp_path)] == [
        answer.scoring_id for answer in answers if answer.status == 200
    ]


async def _answers(gateway: GatewayProcess, bodies: Sequence[bytes]) -> list[Answer]:
    """Send the bodies over a few connections that are kept alive; the answers are in the order of the bodies."""
    answers: dict[int, Answer] = {}

    async def send(start: int) -> None:
        async with calling(gateway) as session:
            for place in range(start, len(bodies), CONNECTIONS):
                answers[place] = await score(session, AZURE, bodies[place])

    async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
        for start in range(CONNECTIONS):
            tasks.create_task(send(start))
    return [answers[place] for place in range(len(bodies))]


def _only_error(answer: Answer) -> dict[str, Any]:
    assert 400 <= answer.status < 500
    assert answer.body["trace"] == answer.scoring_id
    (error,) = answer.body["errors"]
    assert error["code"]
    assert error["message"]
    found: dict[str, Any] = error
    return found


def _has_rows(answer: Answer) -> bool:
    return any(part["values"] for part in answer.body.get("predictions", [answer.body]))


async def _next_good_call_works(gateway: GatewayProcess) -> None:
    async with calling(gateway) as session:
        assert (await score(session, AZURE)).status == 200, gateway.log_text()


async def _raw(gateway: GatewayProcess, request: bytes) -> Answer:
    async with connected(gateway) as (reader, writer):
        writer.write(request)
        return await _read_answer(reader)


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    async with asyncio.timeout(10):
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await reader.readexactly(int(headers["content-length"]))
    return Answer(int(first.split()[1]), headers.get("x-scoring-id", ""), _json(body), headers)


def _json(body: bytes) -> Any:
    try:
        return json.decode(body)
    except ValueError:
        return {"text": body.decode(errors="replace")}
