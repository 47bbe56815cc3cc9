"""How the tests of this folder call an engine, and how they configure it for the emulator."""

import asyncio
import json
from typing import Any

import msgspec

from adapters.base import CallContext, NativeRequest
from adapters.engines.azure_studio.settings import AzureStudioSettings
from adapters.testing.azure_studio import AzureStudioEmulator, Model, Scored

MODEL = Model(["Age"], lambda rows: Scored(["Scored Labels"], ["Int32"], [["1"] for _ in rows]))
BODY = {"Inputs": {"input1": {"ColumnNames": ["Age"], "Values": [["33"]]}}, "GlobalParameters": {}}
REQUEST = NativeRequest(json.dumps(BODY).encode(), "application/json", "application/json")
TABLE_QUERY = "api-version=2.0&details=true"


def deadline(seconds: float = 30.0) -> float:
    return asyncio.get_running_loop().time() + seconds


def context() -> CallContext:
    return CallContext("0193500000007000800000000000000a", deadline())


def settings_for(emulator: AzureStudioEmulator, **options: Any) -> AzureStudioSettings:
    config = {
        "type": "azure_studio",
        "subscription_id": emulator.subscription_id,
        "control_url": emulator.url,
        "authority_url": emulator.url,
        "credentials": {
            "tenant": emulator.tenant,
            "client_id": emulator.client_id,
            "client_secret": emulator.client_secret,
        },
    }
    return msgspec.convert(config | options, AzureStudioSettings)
