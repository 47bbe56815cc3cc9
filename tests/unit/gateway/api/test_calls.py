"""The scoring route of a whole gateway, over real sockets: every ending, header and record of a call."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec import json

from schemas.configuration import ConfiguredDeployment, InputSettings, LogMarkerSettings, OutputSettings, ServerSettings
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineError,
    EngineRefusedError,
    EngineReplyError,
    EngineTimeoutError,
    EngineUnavailableError,
)
from tests.fakes.engines import Answer, Held, ScriptedEngine, answered, raises, says
from tests.fakes.gateways import BASIC, RunningGateway, deployed, running_gateway

ROWS = {"fields": ["a", "b"], "values": [[1, "x"], [2, "y"]]}
SCORING_ID = re.compile(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")
FAMILIES = ["", "/monitor", "/engines/aws", "/monitor/engines/aws"]
OUT_OF_MEMORY = MemoryError("secret value")


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path) as running:
        yield running


async def test_scored_call_is_answered_in_order_and_leaves_its_record(gateway: RunningGateway) -> None:
    answer = await gateway.score(ROWS)
    assert answer.status == 200
    assert answer.body == {"fields": ["prediction"], "values": [[1], [2]]}
    assert answer.headers["Content-Type"] == "application/json"
    scoring_id = answer.headers["X-Scoring-Id"]
    assert SCORING_ID.fullmatch(scoring_id)
    (record,) = gateway.records()
    assert record["scoring_timestamp"].endswith("Z")
    assert record["response_time"] >= 0
    assert record == record | {
        "scoring_id": scoring_id,
        "transaction_id": None,
        "deployment_id": "credit",
        "engine": "aws",
        "origin": "application",
        "caller": None,
        "status": 200,
        "outcome": "scored",
        "caller_gone": False,
        "rows": 2,
        "request": ROWS,
        "response": answer.body,
    }
    assert gateway.engine.contexts[0].scoring_id == scoring_id


@pytest.mark.parametrize(
    ("answer", "status", "outcome", "code"),
    [
        (raises(EngineRefusedError("It said no.", engine_status=400)), 502, "engine_error", "engine_refused"),
        (raises(EngineEndpointNotFoundError("Gone.")), 502, "engine_error", "engine_endpoint_not_found"),
        (raises(EngineReplyError("Cut short.")), 502, "engine_error", "engine_reply"),
        (raises(EngineError("Failed.")), 502, "engine_error", "engine_error"),
        (says({"fields": ["prediction"], "values": [[1]]}), 502, "engine_error", "engine_reply"),
        (says(b"no JSON"), 502, "engine_error", "engine_reply"),
        (says({"error": "the model is broken"}), 502, "engine_error", "engine_reply"),
        (raises(EngineUnavailableError("Not there.")), 503, "engine_unavailable", "engine_unavailable"),
        (raises(EngineTimeoutError("Too slow.")), 504, "engine_timeout", "engine_timeout"),
        (raises(OUT_OF_MEMORY), 500, "gateway_error", "gateway_error"),
    ],
)
async def test_call_that_fails_behind_the_gateway_has_its_status_and_one_record(
    gateway: RunningGateway, answer: Answer, status: int, outcome: str, code: str
) -> None:
    gateway.engine.answer = answer
    failed = await gateway.score(ROWS, headers={"X-Global-Transaction-Id": "loans-4711"})
    assert (failed.status, failed.error["code"]) == (status, code)
    (record,) = gateway.records()
    assert (record["status"], record["outcome"], record["response"]) == (status, outcome, None)
    assert record["request"] == ROWS
    assert failed.body["trace"] == failed.headers["X-Scoring-Id"] == record["scoring_id"]
    assert failed.headers["X-Global-Transaction-Id"] == record["transaction_id"] == "loans-4711"
    assert ("Retry-After" in failed.headers) is (status == 503)
    assert b"secret value" not in json.encode(failed.body)


async def test_engines_own_words_go_to_the_caller_and_nowhere_else(
    gateway: RunningGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "row ('Ann', 41) is bad " + "x" * 600
    gateway.engine.answer = raises(EngineRefusedError("It said no.", engine_status=422, engine_message=words))
    failed = await gateway.score(ROWS)
    assert failed.error["engine_status"] == 422
    assert words[:500] in failed.error["message"]
    assert words not in failed.error["message"]
    assert "Ann" not in str(gateway.records())
    assert "Ann" not in (await gateway.call("GET", "/metrics")).body
    output = capsys.readouterr()
    assert "Ann" not in output.out + output.err
    assert "It said no." in output.out


async def test_platforms_pause_is_handed_on_in_whole_seconds(gateway: RunningGateway) -> None:
    gateway.engine.answer = raises(EngineUnavailableError("Throttled.", retryable=True, retry_after=7.2))
    assert (await gateway.score(ROWS)).headers["Retry-After"] == "8"


@pytest.mark.parametrize(
    ("body", "status", "code", "target"),
    [
        (b"", 400, "invalid_request", None),
        (b"{", 400, "invalid_request", None),
        (b"[1]", 400, "invalid_request", None),
        ({"fields": ["a"]}, 400, "invalid_request", "values"),
        ({"fields": ["a", "b"], "values": [[1, 2], [3]]}, 400, "invalid_request", "values[1]"),
        ({"fields": ["a", "a"], "values": [[1, 2]]}, 400, "invalid_request", "fields[1]"),
        ({"fields": [], "values": [[]]}, 400, "invalid_request", "fields"),
        ({"values": [[]]}, 400, "invalid_request", "values[0]"),
        (
            {"input_data": [{"fields": ["a"], "values": [[1]]}, {"fields": ["b"], "values": [[1]]}]},
            422,
            "unprocessable_request",
            "input_data[1].fields",
        ),
    ],
)
async def test_what_is_no_scoring_request_is_refused_counted_and_not_recorded(
    gateway: RunningGateway, body: Any, status: int, code: str, target: str | None
) -> None:
    refused = await gateway.score(body)
    assert (refused.status, refused.error["code"], refused.error.get("target")) == (status, code, target)
    assert refused.body["trace"] == refused.headers["X-Scoring-Id"]
    assert gateway.records() == []
    assert gateway.engine.requests == []
    assert await gateway.metric("refused_requests_total", reason=code) == 1


async def test_wrong_method_path_type_and_size_are_refused(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, server=ServerSettings(max_body_mb=0.001)) as gateway:
        wrong = await gateway.call("GET", "/v1/deployments/credit/online")
        assert (wrong.status, wrong.headers["Allow"]) == (405, "POST")
        unknown = await gateway.score(ROWS, deployment="nobody")
        assert (unknown.status, unknown.error["target"]) == (404, "deployment_id")
        foreign = await gateway.score(ROWS, family="/engines/nobody")
        assert (foreign.status, foreign.error["target"]) == (404, "engine")
        text = await gateway.score(ROWS, headers={"Content-Type": "text/csv"})
        assert (text.status, text.error["target"]) == (415, "Content-Type")
        assert (await gateway.score(b" " * 1001)).status == 413
        assert (await gateway.score(ROWS, headers={"Content-Type": "application/json; charset=utf-8"})).status == 200
        assert len(gateway.records()) == 1


async def test_missing_column_and_unconfigured_deployment_are_422(tmp_path: Path) -> None:
    deployments = {
        "credit": deployed(input=InputSettings(fields=("a", "c"))),
        "bare": deployed(format=None),
    }
    async with running_gateway(tmp_path, deployments=deployments) as gateway:
        missing = await gateway.score(ROWS)
        assert (missing.status, missing.error["target"]) == (422, "fields")
        assert "`c`" in missing.error["message"]
        bare = await gateway.score(ROWS, deployment="bare")
        assert (bare.status, bare.error["code"]) == (422, "deployment_not_configured")
        assert "`deployments`" in bare.error["message"]
        assert gateway.records() == []


@pytest.mark.parametrize(
    ("user", "family", "status", "callers"),
    [
        (None, "", 401, []),
        ("loans-app", "", 200, ["loans-app"]),
        ("ops", "", 200, ["ops"]),
        ("openscale", "", 200, []),
        ("loans-app", "/engines/aws", 200, ["loans-app"]),
        ("openscale", "/engines/aws", 200, []),
        ("openscale", "/monitor", 200, []),
        ("loans-app", "/monitor", 403, []),
        ("ops", "/monitor", 403, []),
        ("openscale", "/monitor/engines/aws", 200, []),
        ("loans-app", "/monitor/engines/aws", 403, []),
    ],
)
async def test_role_and_route_decide_who_scores_and_what_is_recorded(
    tmp_path: Path, user: str | None, family: str, status: int, callers: list[str]
) -> None:
    async with running_gateway(tmp_path, auth=BASIC) as gateway:
        answer = await gateway.score(ROWS, user=user, family=family)
        assert answer.status == status
        assert ("WWW-Authenticate" in answer.headers) is (status == 401)
        assert [record["caller"] for record in gateway.records()] == callers
        assert all(record["origin"] == "application" for record in gateway.records())


@pytest.mark.parametrize("family", FAMILIES)
async def test_without_authentication_the_prefix_tells_the_monitor(gateway: RunningGateway, family: str) -> None:
    assert (await gateway.score(ROWS, family=family)).status == 200
    assert [record["origin"] for record in gateway.records()] == ([] if "monitor" in family else ["application"])
    if "monitor" in family:
        assert await gateway.metric("unrecorded_calls_total", reason="monitor") == 1


@pytest.mark.parametrize(
    ("log", "user", "family", "origins"),
    [
        ("application", "loans-app", "", ["application"]),
        ("application", "openscale", "", []),
        ("all", "loans-app", "", ["application"]),
        ("all", "openscale", "", ["monitor"]),
        ("all", "openscale", "/monitor", []),
        ("none", "loans-app", "", []),
        ("none", "openscale", "", []),
    ],
)
async def test_log_mode_says_whose_calls_are_recorded(
    tmp_path: Path, log: str, user: str, family: str, origins: list[str]
) -> None:
    async with running_gateway(tmp_path, auth=BASIC, deployments={"credit": deployed(log=log)}) as gateway:
        assert (await gateway.score(ROWS, user=user, family=family)).status == 200
        assert [record["origin"] for record in gateway.records()] == origins


@pytest.mark.parametrize(
    ("marker", "headers", "extra", "recorded"),
    [
        (LogMarkerSettings(header="X-Payload-Log"), {}, {}, False),
        (LogMarkerSettings(header="X-Payload-Log"), {"x-payload-log": "anything"}, {}, True),
        (LogMarkerSettings(header="X-Payload-Log", value="true"), {"X-Payload-Log": "false"}, {}, False),
        (LogMarkerSettings(header="X-Payload-Log", value="true"), {"X-Payload-Log": "true"}, {}, True),
        (LogMarkerSettings(body_key="log_it"), {}, {}, False),
        (LogMarkerSettings(body_key="log_it"), {}, {"log_it": None}, True),
        (LogMarkerSettings(body_key="log_it"), {}, {"other": {"log_it": True}}, False),
    ],
)
async def test_marked_calls_alone_are_recorded_and_the_marker_stays_here(
    tmp_path: Path, marker: LogMarkerSettings, headers: dict[str, str], extra: dict[str, Any], recorded: bool
) -> None:
    async with running_gateway(tmp_path, deployments={"credit": deployed(log_marker=marker)}) as gateway:
        assert (await gateway.score(ROWS | extra, headers=headers)).status == 200
        assert [record["request"] for record in gateway.records()] == ([ROWS] if recorded else [])
        (asked,) = gateway.engine.requests
        assert json.decode(asked.body) == ROWS
        assert "X-Payload-Log" not in asked.headers


def native(**settings: Any) -> dict[str, ConfiguredDeployment]:
    """A deployment that also takes objects at `input`, and is answered with columns."""
    own: dict[str, Any] = {"format": "azureml", "response": {"format": "table"}, "log": "native"}
    return {"credit": deployed(**(own | settings))}


OWN = json.encode({"input": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]})
PREDICTED = b' {"fields":["prediction"], "values":[[1],[2]]}'


@pytest.mark.parametrize(
    ("user", "family", "body", "recorded"),
    [
        ("loans-app", "", OWN, True),
        ("loans-app", "/engines/aws", OWN, True),
        ("ops", "", OWN, True),
        ("openscale", "", OWN, False),
        ("openscale", "/monitor", OWN, False),
        ("loans-app", "", json.encode(ROWS), False),
        ("openscale", "", json.encode(ROWS), False),
        ("loans-app", "", json.encode({"input_data": [ROWS]}), False),
        ("openscale", "/monitor/engines/aws", json.encode(ROWS), False),
    ],
)
async def test_application_in_the_endpoints_own_form_alone_is_recorded(
    tmp_path: Path, user: str, family: str, body: bytes, recorded: bool
) -> None:
    async with running_gateway(tmp_path, ScriptedEngine(says(PREDICTED)), auth=BASIC, deployments=native()) as gateway:
        answer = await gateway.score(body, user=user, family=family)
        assert answer.status == 200
        assert SCORING_ID.fullmatch(answer.headers["X-Scoring-Id"])
        assert [record["request"] for record in gateway.records()] == ([ROWS] if recorded else [])
        (asked,) = gateway.engine.requests
        assert json.decode(asked.body) == json.decode(OWN)
        metrics = await gateway.call("GET", "/metrics", user="ops")
        left_out = 'unrecorded_calls_total{deployment="credit",reason="monitor"} 1.0'
        assert (left_out in metrics.body) is not recorded


async def test_columns_to_redact_are_in_a_native_answer_and_in_no_record(tmp_path: Path) -> None:
    engine = ScriptedEngine(says(b'{"fields":["prediction","b"],"values":[[1,"secret"]]}'))
    async with running_gateway(tmp_path, engine, deployments=native(redact={"b": "mask"})) as gateway:
        answer = await gateway.score(b'{"input": [{"a": 1, "b": "secret"}]}')
        assert answer.body == {"fields": ["prediction", "b"], "values": [[1, "secret"]]}
        (record,) = gateway.records()
        assert record["request"] == {"fields": ["a", "b"], "values": [[1, "***"]]}
        assert record["response"]["values"] == [[1, "***"]]
        assert b"secret" not in bytes_of_files(tmp_path)


async def test_large_native_body_is_read_beside_the_loop_like_any_other(tmp_path: Path) -> None:
    rows = [{"a": n, "b": "x" * 100} for n in range(2_000)]
    values = [[n] for n in range(2_000)]
    engine = ScriptedEngine(says({"fields": ["prediction"], "values": values}))
    async with running_gateway(tmp_path, engine, deployments=native()) as gateway:
        assert (await gateway.score({"input": rows})).body["values"] == values
        (record,) = gateway.records()
        assert record["rows"] == 2_000


async def test_other_types_than_json_are_refused_where_nothing_native_is_taken(gateway: RunningGateway) -> None:
    answer = await gateway.score(b"1,2", headers={"Content-Type": "text/csv"})
    assert (answer.status, answer.error["code"]) == (415, "unsupported_content_type")


async def test_wrapped_call_is_answered_in_kind(gateway: RunningGateway) -> None:
    one = await gateway.score({"input_data": [ROWS]})
    assert one.body == {"predictions": [{"fields": ["prediction"], "values": [[1], [2]]}]}
    several = await gateway.score({"input_data": [ROWS, ROWS | {"values": []}, ROWS | {"values": [[3, "z"]]}]})
    assert several.body == {
        "predictions": [{"fields": ["prediction"], "values": values} for values in ([[1], [2]], [], [[3]])]
    }
    first, second = gateway.records()
    assert first["request"] == ROWS
    assert (second["rows"], second["response"]["values"]) == (3, [[1], [2], [3]])


@pytest.mark.parametrize(
    ("body", "wrapped"),
    [
        ({"fields": ["a"], "values": []}, False),
        ({"values": []}, False),
        ({"input_data": [{"fields": ["a"], "values": []}]}, True),
    ],
)
async def test_no_rows_are_answered_with_none_and_nobody_is_asked(
    tmp_path: Path, body: dict[str, Any], wrapped: bool
) -> None:
    output = OutputSettings(prediction="prediction")
    async with running_gateway(tmp_path, deployments={"credit": deployed(output=output)}) as gateway:
        answer = await gateway.score(body)
        empty = {"fields": ["prediction"], "values": []}
        assert (answer.status, answer.body) == (200, {"predictions": [empty]} if wrapped else empty)
        assert gateway.engine.requests == []
        assert gateway.records() == []


async def test_meta_stays_in_the_record_and_is_not_sent_on(gateway: RunningGateway) -> None:
    body = ROWS | {"meta": {"fields": ["Sex"], "values": [["F"], ["M"]]}}
    assert (await gateway.score(body)).status == 200
    assert json.decode(gateway.engine.requests[0].body) == ROWS
    assert gateway.records()[0]["request"] == body


async def test_transaction_id_is_recorded_and_echoed_by_every_answer(gateway: RunningGateway) -> None:
    headers = {"X-Global-Transaction-Id": "id with blanks " + "~" * 113}
    scored = await gateway.score(ROWS, headers=headers)
    assert scored.headers["X-Global-Transaction-Id"] == headers["X-Global-Transaction-Id"]
    assert gateway.records()[0]["transaction_id"] == headers["X-Global-Transaction-Id"]
    for refused in (
        await gateway.score(b"{", headers=headers),
        await gateway.score(ROWS, deployment="nobody", headers=headers),
        await gateway.score(ROWS, family="/nowhere", headers=headers),
        await gateway.call("PUT", "/v1/deployments/credit/online", headers=headers),
    ):
        assert refused.status >= 400
        assert refused.headers["X-Global-Transaction-Id"] == headers["X-Global-Transaction-Id"]


@pytest.mark.parametrize("transaction_id", ["x" * 129, "größer", "tab\there"])
async def test_transaction_id_that_could_not_be_recorded_is_refused(
    gateway: RunningGateway, transaction_id: str
) -> None:
    refused = await gateway.score(ROWS, headers={"X-Global-Transaction-Id": transaction_id})
    assert (refused.status, refused.error["target"]) == (400, "X-Global-Transaction-Id")
    assert "X-Global-Transaction-Id" not in refused.headers
    assert gateway.engine.requests == []


async def test_empty_transaction_id_is_none(gateway: RunningGateway) -> None:
    assert (await gateway.score(ROWS, headers={"X-Global-Transaction-Id": ""})).status == 200
    assert gateway.records()[0]["transaction_id"] is None


def bytes_of_files(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("payloads.db*"))


async def test_columns_to_redact_are_nowhere_in_the_spool(tmp_path: Path) -> None:
    settings = deployed(
        redact={"Name": "drop", "Mail": "mask", "Phone": "hash"},
        input=InputSettings(fields=("Age", "Name", "Mail", "Phone")),
        output=OutputSettings(echo_inputs=True, prediction="prediction"),
    )
    fields = ["Name", "Mail", "Phone", "Age"]
    secrets = ["planted-name", "planted-mail", "planted-phone"]
    async with running_gateway(tmp_path, deployments={"credit": settings}, redaction_key="k") as gateway:
        gateway.engine.answer = says({"fields": ["prediction"], "values": [["Risk"]]})
        named = await gateway.score({"fields": fields, "values": [[*secrets, 41]]})
        assert named.body["values"] == [[*secrets, 41, "Risk"]]
        unnamed = await gateway.score({"values": [[41, *secrets]]})
        assert unnamed.status == 200
        gateway.engine.answer = raises(EngineRefusedError("No.", engine_message=secrets[0]))
        failed = await gateway.score(
            {"fields": fields, "values": [[*secrets, 41]], "meta": {"fields": ["Mail2"], "values": [["x"]]}}
        )
        assert failed.status == 502
        assert len(gateway.records()) == 3
        stored = bytes_of_files(tmp_path)
    stored += bytes_of_files(tmp_path)
    assert b"41" in stored
    assert not [secret for secret in secrets if secret.encode() in stored]


async def test_unnamed_columns_that_nobody_can_redact_are_refused(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, deployments={"credit": deployed(redact={"Name": "drop"})}) as gateway:
        refused = await gateway.score({"values": [["planted-name"]]})
        assert (refused.status, refused.error["target"]) == (422, "fields")
        assert gateway.engine.requests == []


async def test_caller_that_hangs_up_changes_nothing_but_a_mark(gateway: RunningGateway) -> None:
    held = gateway.engine.answer = Held()
    call = asyncio.create_task(gateway.score(ROWS))
    await held.asked.wait()
    call.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await call
    # The gateway has noticed the closed connection when it has answered a later one.
    await gateway.call("GET", "/livez")
    held.release.set()
    while not gateway.records():
        await gateway.call("GET", "/livez")
    (record,) = gateway.records()
    assert (record["caller_gone"], record["outcome"], record["status"]) == (True, "scored", 200)
    assert record["response"]["values"] == [[1], [2]]


async def test_bodies_beyond_the_bound_are_put_off(tmp_path: Path) -> None:
    server = ServerSettings(max_in_flight_mb=0.01, max_body_mb=0.009)
    async with running_gateway(tmp_path, server=server) as gateway:
        held = gateway.engine.answer = Held()
        large = json.encode(ROWS) + b" " * 8000
        first = asyncio.create_task(gateway.score(large))
        await held.asked.wait()
        second = await gateway.score(large)
        assert (second.status, second.error["code"], second.headers["Retry-After"]) == (429, "overloaded", "1")
        held.release.set()
        assert (await first).status == 200
        assert (await gateway.score(large)).status == 200
        assert len(gateway.records()) == 2
        assert await gateway.metric("refused_requests_total", reason="overloaded") == 1


async def test_calls_on_one_connection_get_ids_of_their_own(gateway: RunningGateway) -> None:
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as one_connection:
        url = f"{gateway.url}/v1/deployments/credit/online"
        answers = [await one_connection.post(url, json=ROWS) for _ in range(3)]
    assert len({answer.headers["X-Scoring-Id"] for answer in answers}) == 3
    assert [answer.headers["X-Scoring-Id"] for answer in answers] == [
        record["scoring_id"] for record in gateway.records()
    ]


async def test_body_without_content_type_or_with_chunks_is_read(gateway: RunningGateway) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        content = json.encode(ROWS)
        for start in range(0, len(content), 7):
            yield content[start : start + 7]

    url = "/v1/deployments/credit/online"
    plain = await gateway.call("POST", url, data=json.encode(ROWS), skip_auto_headers=["Content-Type"])
    chunked = await gateway.call("POST", url, data=chunks(), headers={"Content-Type": "application/json"})
    assert plain.status == chunked.status == 200
    assert plain.body == chunked.body


async def test_scoring_is_described_with_the_urls_that_discovery_hands_out(gateway: RunningGateway) -> None:
    listed = await gateway.call("GET", "/monitor/v1/deployments")
    url = listed.body["resources"][0]["entity"]["scoring_endpoint"]["url"]
    assert url.startswith(gateway.url)
    assert (await gateway.score(ROWS, family=url.removeprefix(gateway.url).partition("/v1/")[0])).status == 200
    assert gateway.records() == []


async def test_answer_is_scored_from_the_engines_own_form(tmp_path: Path) -> None:
    settings = deployed(
        format="sagemaker-linear-learner",
        input=InputSettings(fields=("b", "a")),
        output=OutputSettings(
            prediction="predicted_label",
            prediction_is="index",
            probability="score",
            probability_of="positive",
            labels=("No Risk", "Risk"),
        ),
    )
    engine = ScriptedEngine()
    engine.answer = says({"predictions": [{"score": 0.75, "predicted_label": 1.0}]})
    async with running_gateway(tmp_path, engine, deployments={"credit": settings}) as gateway:
        answer = await gateway.score({"fields": ["a", "b"], "values": [[1, 2.5]]})
        assert answer.body == {
            "fields": ["prediction", "probability"],
            "values": [["Risk", [0.25, 0.75]]],
            "labels": ["No Risk", "Risk"],
        }
        assert engine.requests[0].body.rstrip() == b"2.5,1"
        assert engine.requests[0].content_type == "text/csv"


async def test_classes_in_another_order_are_answered_as_configured_and_shown_in_the_metrics(tmp_path: Path) -> None:
    labels = ("No Risk", "Risk")
    output = OutputSettings(prediction="prediction", probability="p", probability_of="each", labels=labels)
    rows = {"fields": ["p", "prediction"], "values": [[[0.25, 0.75], "Risk"], [[0.875, 0.125], "Risk"]]}
    engine = ScriptedEngine(says(rows | {"labels": list(labels)}))
    async with running_gateway(tmp_path, engine, deployments={"credit": deployed(output=output)}) as gateway:
        agreeing = await gateway.score(ROWS)
        assert await gateway.metric("contradicting_labels_total", deployment="credit") == 0
        engine.answer = says(rows | {"labels": list(reversed(labels))})
        assert (await gateway.score(ROWS)).body == agreeing.body
        assert agreeing.body == {
            "fields": ["prediction", "probability"],
            "values": [["Risk", [0.25, 0.75]], ["Risk", [0.875, 0.125]]],
            "labels": list(labels),
        }
        assert await gateway.metric("contradicting_labels_total", deployment="credit") == 1
        assert await gateway.metric("contradicting_rows_total", deployment="credit") == 2
        assert [record["response"] for record in gateway.records()] == [agreeing.body] * 2


@pytest.mark.parametrize("prediction", ["risk", 1, "2", [0, 1]])
async def test_prediction_that_is_none_of_the_labels_is_no_answer(tmp_path: Path, prediction: Any) -> None:
    output = OutputSettings(prediction="prediction", labels=("No Risk", "Risk"))
    engine = ScriptedEngine(says({"fields": ["prediction"], "values": [["Risk"], [prediction]]}))
    async with running_gateway(tmp_path, engine, deployments={"credit": deployed(output=output)}) as gateway:
        answer = await gateway.score(ROWS)
        assert answer.status == 502
        assert answer.error["target"] == "values[1]"
        assert "`output.labels`" in answer.error["message"]
        (record,) = gateway.records()
        assert (record["outcome"], record["response"]) == ("engine_error", None)


async def test_nan_of_an_engine_becomes_null(gateway: RunningGateway) -> None:
    async def nan(_: Any) -> Any:
        return answered(b'{"fields": ["prediction"], "values": [[NaN], [9007199254740993]]}')

    gateway.engine.answer = nan
    assert (await gateway.score(ROWS)).body["values"] == [[None], [9007199254740993]]
