import msgspec
import pytest

from adapters.base.patience import MAX_MISSED
from adapters.engines.open_inference import plugin
from adapters.engines.open_inference.settings import OpenInferenceSettings
from adapters.testing.emulator import Fault
from adapters.testing.open_inference import OpenInferenceEmulator, credit_risk_columns, credit_risk_matrix
from schemas.errors import EngineError, EngineRefusedError, EngineReplyError, EngineUnavailableError


@pytest.fixture
def connect(transport):
    def connect(emulator, **options):
        config = {"type": "open_inference", "url": emulator.url} | options
        return plugin.connect(msgspec.convert(config, OpenInferenceSettings), transport)

    return connect


def two_models(emulator):
    emulator.add_model("columns", credit_risk_columns())
    emulator.add_model("matrix", credit_risk_matrix())


def replaced(model, **changes):
    return msgspec.structs.replace(model, **changes)


@pytest.mark.parametrize("listing", ["repository_index", "models"])
async def test_models_are_found_by_whichever_list_the_server_has(connect, listing):
    async with OpenInferenceEmulator(listing=listing) as emulator:
        two_models(emulator)
        async with connect(emulator) as engine:
            columns, matrix = await engine.endpoints()
    assert (columns.name, matrix.name) == ("columns", "matrix")
    assert columns.columns is not None
    assert matrix.request_options["tensors"]["tensor"] == "predict"


async def test_a_model_with_several_versions_is_one_endpoint(connect):
    async with OpenInferenceEmulator() as emulator:
        emulator.add_model("credit", replaced(credit_risk_columns(), versions=("1", "2")))
        async with connect(emulator) as engine:
            (endpoint,) = await engine.endpoints()
    assert endpoint.asset.revision is None


async def test_models_that_are_not_ready_are_left_out(connect):
    async with OpenInferenceEmulator() as emulator:
        two_models(emulator)
        index = b'[{"name": "columns", "state": "ready"}, {"name": "matrix", "state": "UNAVAILABLE"}]'
        emulator.play(Fault(route="index", body=index))
        async with connect(emulator, listing="repository_index") as engine:
            assert [endpoint.name for endpoint in await engine.endpoints()] == ["columns"]


@pytest.mark.parametrize(("listing", "named"), [("models", []), ("none", ["columns", "matrix"])])
async def test_a_server_whose_list_says_nothing_of_it_is_asked_whether_a_model_is_ready(connect, listing, named):
    async with OpenInferenceEmulator(listing=listing) as emulator:
        emulator.add_model("columns", credit_risk_columns())
        emulator.add_model("matrix", replaced(credit_risk_matrix(), state="LOADING"))
        async with connect(emulator, endpoints={name: {} for name in named}) as engine:
            assert [endpoint.name for endpoint in await engine.endpoints()] == ["columns"]
            emulator.add_model("matrix", credit_risk_matrix())
            assert [endpoint.name for endpoint in await engine.endpoints()] == ["columns", "matrix"]
    assert emulator.requests["model_ready"] == 4


async def test_the_index_spares_the_question_whether_a_model_is_ready_unless_a_version_is_fixed(connect):
    async with OpenInferenceEmulator() as emulator:
        two_models(emulator)
        async with connect(emulator, endpoints={"matrix": {"version": "1"}}) as engine:
            assert len(await engine.endpoints()) == 2
    assert "model_ready" not in emulator.requests
    assert emulator.requests["version_ready"] == 1


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_server_that_can_not_say_whether_a_model_is_ready_is_believed_to_be(connect, status):
    async with OpenInferenceEmulator(listing="models") as emulator:
        two_models(emulator)
        emulator.play(Fault(route="model_ready", status=status, body=b"{}", times=None))
        async with connect(emulator) as engine:
            assert len(await engine.endpoints()) == 2


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_a_model_whose_readiness_can_not_be_had_stays_as_it_was(connect, status):
    async with OpenInferenceEmulator(listing="models") as emulator:
        two_models(emulator)
        async with connect(emulator) as engine:
            known = await engine.endpoints()
            emulator.play(Fault(route="model_ready", status=status, body=b"{}", times=2))
            assert await engine.endpoints() == known


async def test_patterns_spare_requests_for_what_nobody_wants(connect):
    async with OpenInferenceEmulator() as emulator:
        two_models(emulator)
        async with connect(emulator, discover={"include": ["m*"], "exclude": ["x"]}) as engine:
            assert [endpoint.name for endpoint in await engine.endpoints()] == ["matrix"]
        assert emulator.requests["metadata"] == 1


async def test_what_the_configuration_names_is_found_whatever_the_patterns_say(connect):
    async with OpenInferenceEmulator() as emulator:
        two_models(emulator)
        async with connect(emulator, discover={"include": ["m*"]}, endpoints={"columns": {}}) as engine:
            assert [endpoint.name for endpoint in await engine.endpoints()] == ["columns", "matrix"]


async def test_configured_models_are_described_beside_the_listed_ones(connect):
    async with OpenInferenceEmulator() as emulator:
        emulator.add_model("credit", replaced(credit_risk_matrix(), versions=("1", "2")))
        endpoints = {"credit-1": {"model": "credit", "version": "1"}, "gone": {}}
        async with connect(emulator, endpoints=endpoints) as engine:
            assert engine.configured() == []
            found = {endpoint.name: endpoint for endpoint in await engine.endpoints()}
    assert set(found) == {"credit", "credit-1"}
    assert found["credit-1"].asset.revision == "1"
    assert found["credit-1"].request_options == found["credit"].request_options


async def test_without_a_list_the_configured_models_are_all(connect):
    async with OpenInferenceEmulator(listing="none") as emulator:
        two_models(emulator)
        for listing in ("auto", "configured"):
            async with connect(emulator, listing=listing, endpoints={"matrix": {}}) as engine:
                assert [endpoint.name for endpoint in await engine.endpoints()] == ["matrix"]


async def test_without_a_list_and_without_names_the_message_says_what_to_do(connect):
    async with OpenInferenceEmulator(listing="none") as emulator, connect(emulator) as engine:
        with pytest.raises(EngineRefusedError, match="name them under `endpoints`"):
            await engine.endpoints()


async def test_a_server_without_metadata_still_lists_its_models(connect):
    async with OpenInferenceEmulator() as emulator:
        emulator.add_model("credit", replaced(credit_risk_columns(), has_metadata=False))
        async with connect(emulator) as engine:
            (endpoint,) = await engine.endpoints()
    assert (endpoint.columns, endpoint.request_options) == (None, {})


async def test_a_model_keeps_what_was_known_while_its_metadata_can_not_be_had(connect):
    async with OpenInferenceEmulator() as emulator:
        two_models(emulator)
        async with connect(emulator) as engine:
            known = await engine.endpoints()
            emulator.play(Fault(route="metadata", status=503, body=b"{}"))
            assert await engine.endpoints() == known


async def test_a_model_that_an_earlier_process_may_have_known_delays_the_others_for_a_while_only(connect):
    async with OpenInferenceEmulator() as emulator:
        two_models(emulator)
        emulator.play(Fault(route="version_metadata", status=503, body=b"{}", times=None))
        async with connect(emulator, endpoints={"matrix": {"version": "1"}}) as engine:
            for _ in range(MAX_MISSED):
                with pytest.raises(EngineUnavailableError, match="metadata of Open Inference model matrix"):
                    await engine.endpoints()
            assert [endpoint.name for endpoint in await engine.endpoints()] == ["columns"]
            emulator.recover()
            assert [endpoint.name for endpoint in await engine.endpoints()] == ["columns", "matrix"]


async def test_a_model_whose_metadata_is_refused_is_left_out_at_once(connect):
    async with OpenInferenceEmulator() as emulator:
        two_models(emulator)
        emulator.play(Fault(route="version_metadata", status=403, body=b"{}"))
        async with connect(emulator, endpoints={"matrix": {"version": "1"}}) as engine:
            assert [endpoint.name for endpoint in await engine.endpoints()] == ["columns"]


async def test_discovery_fails_where_no_model_can_be_described(connect):
    async with OpenInferenceEmulator() as emulator:
        two_models(emulator)
        emulator.play(Fault(route="metadata", status=500, body=b"{}", times=None))
        async with connect(emulator) as engine:
            with pytest.raises(EngineError, match="metadata"):
                await engine.endpoints()


async def test_an_empty_server_has_no_endpoints(connect):
    async with OpenInferenceEmulator() as emulator, connect(emulator) as engine:
        assert await engine.endpoints() == []


@pytest.mark.parametrize(("listing", "route"), [("repository_index", "index"), ("models", "models")])
@pytest.mark.parametrize("body", [b"<html>", b'{"models": [1]}', b"[1]"])
async def test_an_unreadable_list_is_named(connect, listing, route, body):
    async with OpenInferenceEmulator(listing=listing) as emulator:
        emulator.play(Fault(route=route, body=body))
        async with connect(emulator, listing=listing) as engine:
            with pytest.raises(EngineReplyError, match="check `url`"):
                await engine.endpoints()
