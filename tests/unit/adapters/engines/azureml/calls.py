"""How the tests of this folder call an engine, and how they configure it for the emulator."""

import asyncio
import json
from typing import Any

import msgspec

from adapters.base import CallContext, NativeRequest
from adapters.engines.azureml.settings import AzureSettings
from adapters.testing.azureml import AzureMLEmulator

SCORING_ID = "0193500000007000800000000000000a"
REQUEST = NativeRequest(json.dumps({"input": [{"Age": 33, "Job": "skilled"}]}).encode(), "application/json")


def context(seconds: float = 30.0) -> CallContext:
    return CallContext(SCORING_ID, asyncio.get_running_loop().time() + seconds)


def settings_for(emulator: AzureMLEmulator, **options: Any) -> AzureSettings:
    settings = {
        "type": "azureml",
        "subscription_id": emulator.subscription_id,
        "resource_group": emulator.resource_group,
        "workspace": emulator.workspace,
        "control_url": emulator.url,
        "authority_url": emulator.url,
        "credentials": {
            "tenant": emulator.tenant,
            "client_id": emulator.client_id,
            "client_secret": emulator.client_secret,
        },
    }
    return msgspec.convert(settings | options, AzureSettings)


def by_url(emulator: AzureMLEmulator, name: str, **details: Any) -> dict[str, Any]:
    """Return the options that know one endpoint by its URL alone."""
    return {"discover": False, "endpoints": {name: {"url": emulator.scoring_url(name), **details}}}
