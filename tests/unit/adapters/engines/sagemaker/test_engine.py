import asyncio
import subprocess
import sys

import msgspec
import pytest

from adapters.base import CallContext, NativeRequest
from adapters.engines.sagemaker.credentials import ChainKeys
from adapters.engines.sagemaker.discovery import Discovery
from adapters.engines.sagemaker.engine import SageMaker, connect, plugin
from adapters.engines.sagemaker.settings import SageMakerSettings
from adapters.testing.emulator import Fault
from adapters.testing.sagemaker import AccessKey, LinearLearner, ModelFailureError
from adapters.testing.sagemaker.emulator import DEFAULT_KEY, MAX_BYTES
from schemas.errors import EngineRefusedError, EngineReplyError, UnprocessableRequestError

REQUEST = NativeRequest(b"1,2", "text/csv", "application/json")


def settings(emulator, **options):
    config = {
        "type": "sagemaker",
        "region": "us-east-1",
        "endpoint_url": emulator.url,
        "control_url": emulator.url,
        "credentials": {"access_key_id": DEFAULT_KEY.id, "secret_access_key": DEFAULT_KEY.secret},
        "endpoints": {"credit": {}},
    }
    return msgspec.convert(config | options, SageMakerSettings)


def context():
    return CallContext("0193500000007000800000000000000a", asyncio.get_running_loop().time() + 20)


async def score(settings, transport, request=REQUEST, name="credit"):
    async with connect(settings, transport) as engine:
        endpoint = next(endpoint for endpoint in engine.configured() if endpoint.name == name)
        return await engine.invoke(endpoint, request, context())


async def test_the_call_carries_its_types_and_the_scoring_id(emulator, transport):
    await score(settings(emulator), transport)
    headers = emulator.invocations[-1].headers
    assert headers["Content-Type"] == "text/csv"
    assert headers["Accept"] == "application/json"
    assert headers["X-Amzn-SageMaker-Inference-Id"] == "0193500000007000800000000000000a"


async def test_a_variant_a_container_and_attributes_are_chosen_by_configuration(emulator, transport):
    emulator.add_endpoint("split", variants={"blue": LinearLearner(weights=(0, 0)), "green": lambda *_: (b"[]", "a/b")})
    entry = {"variant": "green", "container": "second", "custom_attributes": "tfs-model-name=credit"}
    answer = await score(settings(emulator, endpoints={"split": entry}), transport, name="split")
    assert answer.headers["x-amzn-invoked-production-variant"] == "green"
    assert (answer.body, answer.content_type) == (b"[]", "a/b")
    headers = emulator.invocations[-1].headers
    assert headers["X-Amzn-SageMaker-Target-Container-Hostname"] == "second"
    assert headers["X-Amzn-SageMaker-Custom-Attributes"] == "tfs-model-name=credit"


async def test_models_behind_one_endpoint_are_endpoints_of_their_own(emulator, transport):
    emulator.add_endpoint("many", targets={"a.tar.gz": lambda *_: (b"a", "x/y"), "b.tar.gz": lambda *_: (b"b", "x/y")})
    entries = {name: {"endpoint": "many", "target_model": f"{name}.tar.gz"} for name in ("a", "b")}
    config = settings(emulator, endpoints=entries)
    assert (await score(config, transport, name="a")).body == b"a"
    assert (await score(config, transport, name="b")).body == b"b"


async def test_a_component_is_reached_by_name(emulator, transport):
    emulator.add_endpoint("shared", components={"one": lambda *_: (b"1", "x/y"), "two": lambda *_: (b"2", "x/y")})
    config = settings(emulator, endpoints={"shared/two": {}, "first": {"endpoint": "shared", "component": "one"}})
    assert (await score(config, transport, name="shared/two")).body == b"2"
    assert (await score(config, transport, name="first")).body == b"1"


async def test_headers_of_the_request_pass_but_never_replace_ours(emulator, transport):
    headers = {"X-Amzn-SageMaker-Session-Id": "s1", "x-amzn-sagemaker-INFERENCE-ID": "theirs"}
    await score(settings(emulator), transport, NativeRequest(b"1,2", "text/csv", None, headers))
    sent = emulator.invocations[-1].headers
    assert sent["X-Amzn-SageMaker-Session-Id"] == "s1"
    assert sent["X-Amzn-SageMaker-Inference-Id"] == "0193500000007000800000000000000a"


async def test_a_body_above_the_platforms_limit_is_never_sent(emulator, transport):
    with pytest.raises(UnprocessableRequestError, match=r"6291457 bytes .* takes 6291456"):
        await score(settings(emulator), transport, NativeRequest(b"x" * (MAX_BYTES + 1), "text/csv"))
    assert emulator.requests == {}


async def test_a_body_of_the_platforms_limit_arrives_whole(emulator, transport):
    emulator.add_endpoint("credit", model=lambda body, *_: (str(len(body)).encode(), "x/y"))
    assert (await score(settings(emulator), transport, NativeRequest(b"x" * MAX_BYTES, "text/csv"))).body == b"6291456"


async def test_a_configured_limit_is_kept(emulator, transport):
    with pytest.raises(UnprocessableRequestError, match=r"3 bytes .* takes 2"):
        await score(settings(emulator, endpoints={"credit": {"limits": {"max_bytes": 2}}}), transport)
    await score(settings(emulator, endpoints={"credit": {"limits": {"max_bytes": 3}}}), transport)
    assert emulator.requests == {"invocations": 1}


async def test_an_answer_beyond_all_bounds_is_refused(emulator, transport):
    emulator.add_endpoint("credit", model=lambda *_: (b"x" * (4 * MAX_BYTES + 1), "x/y"))
    with pytest.raises(EngineReplyError):
        await score(settings(emulator), transport)


async def test_an_empty_success_is_an_answer(emulator, transport):
    emulator.play(Fault(status=204, body=b""))
    answer = await score(settings(emulator), transport)
    assert (answer.status, answer.body) == (204, b"")


async def test_the_models_own_status_and_words_are_told(emulator, transport):
    def broken(*_):
        raise ModelFailureError(400, "words of the model")

    emulator.add_endpoint("credit", model=broken)
    with pytest.raises(EngineRefusedError) as caught:
        await score(settings(emulator), transport)
    assert caught.value.engine_status == 400
    assert caught.value.engine_message == "words of the model"


async def test_expired_keys_are_replaced_and_the_call_made_once_more(emulator, transport, shared_credentials):
    def write(key):
        shared_credentials.write_text(f"[default]\naws_access_key_id={key.id}\naws_secret_access_key={key.secret}\n")

    fresh = AccessKey(id="FRESH", secret="fresh")
    emulator.add_key(fresh)
    config = settings(emulator, credentials=None)
    keys = ChainKeys(config, reopen_seconds=0)
    engine = SageMaker(config, transport, keys, Discovery(config))
    endpoint = engine.configured()[0]
    write(DEFAULT_KEY)
    await engine.invoke(endpoint, REQUEST, context())
    emulator.add_key(msgspec.structs.replace(DEFAULT_KEY, expired=True))
    with pytest.raises(EngineRefusedError):
        await engine.invoke(endpoint, REQUEST, context())
    write(fresh)
    before = emulator.requests["invocations"]
    assert (await engine.invoke(endpoint, REQUEST, context())).status == 200
    assert emulator.requests["invocations"] == before + 2
    await keys.close()


async def test_expired_keys_of_the_configuration_are_tried_once(emulator, transport):
    emulator.add_key(msgspec.structs.replace(DEFAULT_KEY, expired=True))
    with pytest.raises(EngineRefusedError, match="ExpiredTokenException"):
        await score(settings(emulator), transport)
    assert emulator.requests == {"invocations": 1}


def test_the_sdk_is_not_imported_with_the_plugin():
    probe = "import sys, adapters.engines.sagemaker; print(sorted({'boto3', 'botocore'} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    assert printed == "[]\n"


def test_a_call_may_take_what_aws_advises():
    assert plugin.timeout_seconds == 70
