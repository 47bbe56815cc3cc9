"""What the OpenScale sink sends, compared field by field with what IBM's own SDKs send of the same records."""

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw, Struct
from msgspec.structs import replace

from adapters.sinks import openscale
from adapters.testing.conformance import gateway_transport
from adapters.testing.conformance.records import DEPLOYMENT, batch_of, in_seconds, payload_record
from schemas.payload import PayloadRecord
from tests.acceptance.environments import python_of
from tests.acceptance.recording_openscale import Exchange, RecordingOpenScale

PROGRAMS = Path(__file__).parent / "ibm_sdk"
USER = {"username": "openscale-user", "password": "openscale-password"}
SDK_V1, SDK_V2 = "ibm-openscale-sdk-v1", "ibm-openscale-sdk-v2"
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
INSTANCE = "11111111-2222-4333-8444-555555555555"
SOMETHING = "(something)"


class Difference(Struct, frozen=True, order=True):
    """A part of a request where the sink departs from the SDK; None: not sent."""

    part: str
    sdk: str | None
    ours: str | None
    reason: str


USER_AGENT = Difference("header user-agent", SOMETHING, None, "the gateway does not name itself")
KEEP_ALIVE = Difference("header connection", "keep-alive", None, "is HTTP/1.1 unless something else is said")
LENGTH = Difference("header content-length", SOMETHING, SOMETHING, "the SDK's JSON has blanks after commas and colons")
TOKEN = Difference("header authorization", SOMETHING, SOMETHING, "each has been issued a token of its own")
OPERATION = "the SDK's name for the operation, for IBM's statistics"
TRACE = "the SDK's own id of the request; ours stands in the records"

STORE_V2 = [
    USER_AGENT,
    KEEP_ALIVE,
    LENGTH,
    TOKEN,
    Difference("header origin", "records_add", None, OPERATION),
    Difference("header x-global-transaction-id", SOMETHING, None, TRACE),
    Difference("query split_to_multi_req", "false", None, "is about rows of CSV; false is the default for models"),
]
STATUS_V2 = [
    USER_AGENT,
    KEEP_ALIVE,
    TOKEN,
    Difference("header origin", "requests_get", None, OPERATION),
    Difference("header x-global-transaction-id", SOMETHING, None, TRACE),
]
AUTHORIZE = [
    USER_AGENT,
    KEEP_ALIVE,
    LENGTH,
    Difference("header accept", "*/*", "application/json", "the sink reads JSON alone"),
    Difference("body api_key", "null", None, "the SDK names the secret that it does not have"),
]
STORE_V1 = [
    USER_AGENT,
    KEEP_ALIVE,
    LENGTH,
    TOKEN,
    Difference("header accept", "*/*", "application/json", "the sink reads JSON alone"),
    Difference("header origin", "cli://python_client", None, OPERATION),
]
LIST_V1 = [
    USER_AGENT,
    KEEP_ALIVE,
    TOKEN,
    Difference("header accept", "*/*", "application/json", "the sink reads JSON alone"),
    Difference("header content-type", "application/json", None, "a GET has no body to name"),
    Difference("header origin", "cli://python_client", None, OPERATION),
    Difference("query limit", "1", "1000", "the SDK counts the rows, the sink looks for their ids"),
    Difference("query offset", None, "0", "as the SDK asks when it reads the rows"),
]
VALIDATE_AUTH = [
    USER_AGENT,
    KEEP_ALIVE,
    Difference("header content-type", "application/x-www-form-urlencoded", None, "a GET has no body to name"),
]
IAM = [
    USER_AGENT,
    KEEP_ALIVE,
    LENGTH,
    Difference("body response_type", "cloud_iam", None, "is IAM's default"),
]


def record(scoring_id: str, request: Mapping[str, Any], response: Mapping[str, Any], **others: Any) -> PayloadRecord:
    tables = {"request": Raw(msgspec.json.encode(request)), "response": Raw(msgspec.json.encode(response))}
    return replace(payload_record(len(request["values"]), scoring_id=scoring_id), **tables, **others)


RECORDS = [
    payload_record(3, scoring_id="01890000000070008000000000000001"),
    payload_record(2, scoring_id="01890000000070008000000000000002", meta=True),
    record(
        "01890000000070008000000000000003",
        {"fields": ["Größe", 'with "quotes"', "$N-Risk"], "values": [[0.1, "naïve \u2028 \U0001f600", None]]},
        {"fields": ["prediction", "probability"], "values": [[True, [1e-7, 1e22, 5.0]]]},
    ),
    record(
        "01890000000070008000000000000004",
        {"fields": ["big", "negative", "nested"], "values": [[2**63, -0.0, {"a": [1, [2.5]]}]]},
        {"fields": ["prediction"], "values": [[12]]},
        caller=None,
        response_time=None,
    ),
]


def keywords(one: PayloadRecord, *, user: bool) -> dict[str, Any]:
    """Return what a user of the SDK would give to `PayloadRecord`."""
    given = {
        "request": json.loads(bytes(one.request)),
        "response": json.loads(bytes(one.response)),
        "scoring_id": one.scoring_id,
        "scoring_timestamp": one.scoring_timestamp,
        "response_time": one.response_time,
    }
    return given | {"user_id": one.caller} if user else given


@pytest.fixture
async def by_sdk() -> AsyncIterator[RecordingOpenScale]:
    async with RecordingOpenScale() as server:
        yield server


@pytest.fixture
async def by_sink() -> AsyncIterator[RecordingOpenScale]:
    async with RecordingOpenScale() as server:
        yield server


async def run_sdk(environment: str, program: str, job: Mapping[str, Any]) -> None:
    """Run a program of `ibm_sdk` to its end."""
    process = await asyncio.create_subprocess_exec(
        python_of(environment),
        PROGRAMS / program,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate(json.dumps(job).encode())
    assert process.returncode == 0, output.decode()


async def store_by_sink(settings: Mapping[str, Any], records: list[PayloadRecord]) -> None:
    checked = msgspec.convert({"type": "openscale", **settings}, openscale.OpenScaleSettings)
    async with gateway_transport() as transport, openscale.connect(checked, transport) as sink:
        receipt = await sink.send(batch_of(records, sink.partition(records[0])), deadline=in_seconds(20))
        assert (await sink.settle(receipt, deadline=in_seconds(20))).state == "stored"


def differences(sdk: Exchange, ours: Exchange) -> list[tuple[str, str | None, str | None]]:
    """Return where two requests differ, apart from the records: the part, what the SDK sends, what the sink sends."""
    assert (sdk.method, sdk.path) == (ours.method, ours.path)
    left, right = parts_of(sdk), parts_of(ours)
    names = left.keys() | right.keys()
    return [(name, left.get(name), right.get(name)) for name in sorted(names) if left.get(name) != right.get(name)]


def parts_of(exchange: Exchange) -> dict[str, str]:
    kinds = {"query": exchange.query, "header": exchange.headers, "body": members(exchange)}
    parts = {f"{kind} {name}": value for kind, pairs in kinds.items() for name, value in pairs.items()}
    # The address, and the compressions that happen to be installed on either side.
    return {name: value for name, value in parts.items() if name not in ("header host", "header accept-encoding")}


def members(exchange: Exchange) -> dict[str, str]:
    """Return the members of a body that is a form, or a JSON object."""
    if exchange.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(pair.split("=", 1) for pair in exchange.body.decode().split("&") if pair)
    document = json.loads(exchange.body or b"{}")
    return {name: json.dumps(value) for name, value in document.items()} if isinstance(document, dict) else {}


def assert_only(intended: list[Difference], sdk: Exchange, ours: Exchange) -> None:
    """Check that two requests differ where it is intended, and nowhere else."""
    masked = {difference.part for difference in intended if SOMETHING in (difference.sdk, difference.ours)}

    def shown(part: str, value: str | None) -> str | None:
        return SOMETHING if value is not None and part in masked else value

    found = [(part, shown(part, left), shown(part, right)) for part, left, right in differences(sdk, ours)]
    assert found == sorted((one.part, one.sdk, one.ours) for one in intended)


def typed(value: Any) -> Any:
    """Return a value that equals another only where all types are the same."""
    if isinstance(value, dict):
        return {name: typed(member) for name, member in value.items()}
    if isinstance(value, list):
        return [typed(member) for member in value]
    return (type(value).__name__, repr(value))


def typed_body(exchange: Exchange) -> list[Any]:
    return [typed(one) for one in json.loads(exchange.body)]


def job(server: RecordingOpenScale, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the programs of `ibm_sdk` read."""
    return {
        **USER,
        "url": server.url,
        "instance": INSTANCE,
        "data_set": "ds-1",
        "data_mart": None,
        "binding": "binding-1",
        "subscription": "subscription-1",
        "deployment": DEPLOYMENT,
        "records": records,
    }


async def test_api_v2_is_spoken_as_by_ibm_watson_openscale(
    by_sdk: RecordingOpenScale, by_sink: RecordingOpenScale
) -> None:
    await run_sdk(SDK_V2, "store_v2.py", job(by_sdk, [keywords(one, user=True) for one in RECORDS]))
    url = f"{by_sink.url}/openscale/{INSTANCE}"
    await store_by_sink({**USER, "url": url, "data_sets": {DEPLOYMENT: "ds-1"}}, RECORDS)
    store = by_sdk.sent("POST", "/records"), by_sink.sent("POST", "/records")
    assert typed_body(store[0]) == typed_body(store[1])
    assert_only(STORE_V2, *store)
    assert_only(AUTHORIZE, by_sdk.sent("POST", "/authorize"), by_sink.sent("POST", "/authorize"))
    assert_only(STATUS_V2, first_poll(by_sdk), first_poll(by_sink))
    assert by_sdk.rows("ds-1") == by_sink.rows("ds-1")
    assert len(by_sink.rows("ds-1")) == 7


async def test_api_v1_is_spoken_as_by_ibm_ai_openscale(by_sdk: RecordingOpenScale, by_sink: RecordingOpenScale) -> None:
    await run_sdk(SDK_V1, "store_v1.py", job(by_sdk, [keywords(one, user=False) for one in RECORDS]))
    subscription = {"binding_id": "binding-1", "subscription_id": "subscription-1"}
    await store_by_sink({**USER, "api": "v1", "url": by_sink.url, "subscriptions": {DEPLOYMENT: subscription}}, RECORDS)
    store = by_sdk.sent("POST", "/scoring_payloads"), by_sink.sent("POST", "/scoring_payloads")
    assert typed_body(store[0]) == typed_body(store[1])
    assert_only(STORE_V1, *store)
    assert_only(VALIDATE_AUTH, by_sdk.sent("GET", "/validateAuth"), by_sink.sent("GET", "/validateAuth"))
    assert_only(LIST_V1, by_sdk.sent("GET", "/scoring_transactions"), by_sink.sent("GET", "/scoring_transactions"))
    assert by_sdk.rows("subscription-1") == by_sink.rows("subscription-1")
    assert len(by_sink.rows("subscription-1")) == 7


async def test_a_token_of_ibm_cloud_is_asked_for_as_by_ibm_cloud_sdk_core(
    by_sdk: RecordingOpenScale, by_sink: RecordingOpenScale
) -> None:
    await run_sdk(SDK_V2, "token_iam.py", {"url": by_sdk.url, "apikey": "openscale-apikey"})
    cloud = {"url": by_sink.url, "token_url": by_sink.iam_url, "apikey": "openscale-apikey"}
    await store_by_sink({**cloud, "data_sets": {DEPLOYMENT: "ds-1"}}, RECORDS)
    assert_only(IAM, by_sdk.sent("POST", "/identity/token"), by_sink.sent("POST", "/identity/token"))


@pytest.mark.parametrize(
    ("sdk", "program", "end"),
    [
        (SDK_V2, "store_v2.py", "/records"),
        (SDK_V1, "store_v1.py", "/scoring_payloads"),
    ],
)
async def test_the_members_that_an_sdk_fills_in_are_sent_always_and_in_the_same_form(
    by_sdk: RecordingOpenScale, sdk: str, program: str, end: str
) -> None:
    tables = keywords(RECORDS[0], user=False)
    await run_sdk(sdk, program, job(by_sdk, [{name: tables[name] for name in ("request", "response")}, tables]))
    bare, full = json.loads(by_sdk.sent("POST", end).body)
    assert full.keys() - bare.keys() == {"response_time"}
    for one in (bare, full):
        assert TIMESTAMP.fullmatch(one["scoring_timestamp"])


def first_poll(server: RecordingOpenScale) -> Exchange:
    """Return the first question for the state of a request, without the id of the request."""
    poll = next(one for one in server.exchanges if "/requests/" in one.path)
    return replace(poll, path=poll.path.rpartition("/")[0])
