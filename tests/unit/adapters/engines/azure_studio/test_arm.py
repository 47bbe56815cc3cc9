import json

import pytest

from adapters.engines.azure_studio.arm import WebService
from adapters.testing.emulator import Fault
from schemas.errors import EngineRefusedError, EngineReplyError, EngineUnavailableError
from tests.unit.adapters.engines.azure_studio.calls import MODEL, deadline


async def test_all_pages_are_read(emulator, control):
    for n in range(5):
        emulator.add_service(f"credit-{n}", MODEL)
    services = await control.services(deadline())
    assert [service.name for service in services] == [f"credit-{n}" for n in range(5)]
    assert {service.resource_group for service in services} == {"credit"}
    assert emulator.requests["services"] == 3


async def test_an_expired_token_is_renewed_once(emulator, control):
    emulator.add_service("credit", MODEL)
    await control.services(deadline())
    emulator.revoke_tokens()
    assert len(await control.services(deadline())) == 1
    assert emulator.requests["entra"] == 2


async def test_a_next_page_elsewhere_gets_no_token(emulator, control):
    page = {"value": [], "nextLink": "http://elsewhere.example/subscriptions?api-version=2017-01-01"}
    emulator.play(Fault(route="services", body=json.dumps(page).encode()))
    with pytest.raises(EngineReplyError, match="another host"):
        await control.services(deadline())


async def test_pages_without_end_are_left(emulator, control):
    page = {"value": [], "nextLink": f"{emulator.url}/subscriptions/{emulator.subscription_id}/providers"}
    page["nextLink"] += "/Microsoft.MachineLearning/webServices?api-version=1"
    emulator.play(Fault(route="services", body=json.dumps(page).encode(), times=None))
    with pytest.raises(EngineReplyError, match="more than 200 pages"):
        await control.services(deadline())


async def test_columns_are_those_of_input1(emulator, control):
    emulator.add_service("credit", MODEL)
    (service,) = await control.services(deadline())
    assert await control.columns(service, deadline()) == ("Age",)


@pytest.mark.parametrize(
    ("ports", "columns"),
    [
        ({"data": {"properties": {"b": {}, "a": {}}}}, ("b", "a")),
        ({"data": {"properties": {"a": {}}}, "input1": {"properties": {"b": {}}}}, ("b",)),
        ({"one": {"properties": {"a": {}}}, "two": {"properties": {"b": {}}}}, None),
        ({"input1": {"properties": {}}}, None),
        ({"input1": {}}, None),
        (None, None),
    ],
)
async def test_other_inputs_count_where_they_are_the_only_one(emulator, control, ports, columns):
    emulator.add_service("credit", MODEL)
    (service,) = await control.services(deadline())
    body = json.dumps({"id": service.id, "properties": {"input": {"properties": ports}}}).encode()
    emulator.play(Fault(route="service", body=body))
    assert await control.columns(service, deadline()) == columns


async def test_the_key_is_the_primary_one(emulator, control):
    primary, _ = emulator.add_service("credit", MODEL).keys
    (service,) = await control.services(deadline())
    assert await control.key(service.id, deadline()) == primary


@pytest.mark.parametrize("body", [b"{}", b"[", b'{"primary": "two words"}', b'{"primary": ""}'])
async def test_what_can_be_no_key_is_refused(emulator, control, body):
    service = emulator.add_service("credit", MODEL)
    emulator.play(Fault(route="keys", body=body))
    (listed,) = await control.services(deadline())
    with pytest.raises(EngineReplyError, match=f"key of Azure ML Studio service {service.name}"):
        await control.key(listed.id, deadline())


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, EngineRefusedError, "api_version"),
        (403, EngineRefusedError, "credentials"),
        (404, EngineRefusedError, "subscription_id"),
        (429, EngineUnavailableError, "429"),
        (500, EngineUnavailableError, "500"),
    ],
)
async def test_a_refusal_says_what_to_check(emulator, control, status, kind, words):
    emulator.play(Fault(route="services", status=status, body=b'{"error": {"message": "theirs"}}'))
    with pytest.raises(kind, match=words) as raised:
        await control.services(deadline())
    assert raised.value.engine_status == status


def test_an_id_of_another_form_has_no_resource_group():
    assert WebService("/subscriptions/s/providers/x/webServices/credit").resource_group == ""
