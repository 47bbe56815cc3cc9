"""What an engine must not say: no secret and no payload in a log line, on the terminal, in an error or a `repr`."""

import json
import logging

import pytest

from adapters.base import Engine, Transport
from adapters.testing.conformance.engine_case import Counterpart
from adapters.testing.conformance.engine_setting import EngineSetting, call_context, discovered
from adapters.testing.emulator import Fault
from schemas.errors import EngineError

CANARY = "canary-payload-value"


class EngineSecrets(EngineSetting):
    """Listens to all that an engine says, in fair weather and in foul."""

    @pytest.mark.asyncio
    async def test_no_secret_reaches_a_log_or_an_error(
        self,
        counterpart: Counterpart,
        transport: Transport,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        caplog.set_level(logging.DEBUG)
        async with self.case.plugin.connect(counterpart.settings, transport) as engine:
            endpoint = await discovered(engine, counterpart)
            await engine.invoke(endpoint, counterpart.request, call_context())
            faults = (Fault(status=403, body=b"{}"), Fault(connection="reset"))
            spoken = [await self._complaint(engine, counterpart, fault) for fault in faults]
            spoken.append(f"{engine!r} {counterpart.settings!r} {endpoint!r}")
        said = "\n".join([*spoken, caplog.text, *capfd.readouterr()])
        for secret in counterpart.secrets:
            assert secret not in said

    @pytest.mark.asyncio
    async def test_what_a_platform_quotes_of_the_payload_goes_into_engine_message_alone(
        self,
        engine: Engine,
        counterpart: Counterpart,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        caplog.set_level(logging.DEBUG)
        body = json.dumps({"message": f"can't read {CANARY}", "error": CANARY}).encode()
        spoken = [
            await self._complaint(engine, counterpart, Fault(route=self.case.scoring_route, status=status, body=body))
            for status in (400, 422, 500, 503)
        ]
        assert CANARY not in "\n".join([*spoken, caplog.text, *capfd.readouterr()])

    async def _complaint(self, engine: Engine, counterpart: Counterpart, fault: Fault) -> str:
        endpoint = await discovered(engine, counterpart)
        counterpart.emulator.play(fault)
        with pytest.raises(EngineError) as caught:
            await engine.invoke(endpoint, counterpart.request, call_context())
        counterpart.emulator.recover()
        error = caught.value
        return f"{error} {error!r} {error.__cause__!r}"
