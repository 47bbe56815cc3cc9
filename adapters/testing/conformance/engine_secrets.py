"""What an engine must not say: no secret and no payload in a log line, on the terminal, in an error or a `repr`."""

import json
import logging
from collections.abc import Iterable

import msgspec
import pytest

from adapters.base import Engine
from adapters.testing.conformance.engine_case import Counterpart
from adapters.testing.conformance.engine_setting import EngineSetting, call_context, discovered
from adapters.testing.conformance.speech import speech
from adapters.testing.conformance.watched_transport import WatchedTransport
from adapters.testing.emulator import Fault
from schemas.errors import EngineError

CANARY = "canary-payload-value"


class EngineSecrets(EngineSetting):
    """Listens to all that an engine says, in fair weather and in foul."""

    @pytest.mark.asyncio
    async def test_no_secret_reaches_a_log_or_an_error(
        self,
        counterpart: Counterpart,
        transport: WatchedTransport,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        caplog.set_level(logging.DEBUG)
        faults = (Fault(status=403, body=b"{}"), Fault(status=500, body=b"{}"), Fault(connection="reset"))
        async with self.case.plugin.connect(counterpart.settings, transport) as engine:
            endpoint = await discovered(engine, counterpart)
            await engine.invoke(endpoint, counterpart.request, call_context())
            spoken = [await self._complaint(engine, counterpart, fault) for fault in faults]
            spoken += [await self._complaint_of_discovery(engine, counterpart, fault) for fault in faults]
            spoken.append(f"{engine!r} {counterpart.settings!r} {endpoint!r}")
        leaks = _leaks(counterpart, [*spoken, caplog.text, *capfd.readouterr()])
        assert leaks == [], (
            "A secret of the case reached a log line, the terminal, an error (its causes too) or a `repr`."
        )

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
        said = "\n".join([*spoken, caplog.text, *capfd.readouterr()])
        assert CANARY not in said, "Pass the platform's words as `engine_message`, and put them nowhere else."

    @pytest.mark.asyncio
    async def test_what_a_control_plane_quotes_reaches_no_log_and_no_error(
        self,
        engine: Engine,
        counterpart: Counterpart,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        # What SDKs say below this level is in no log of the gateway.
        caplog.set_level(logging.WARNING)
        body = json.dumps({"message": " ".join([CANARY, *counterpart.secrets])}).encode()
        faults = (Fault(status=status, body=body) for status in (400, 403, 500))
        spoken = [await self._complaint_of_discovery(engine, counterpart, fault) for fault in faults]
        said = [*spoken, caplog.text, *capfd.readouterr()]
        assert _leaks(counterpart, said) == []
        assert CANARY not in "\n".join(said), "Raise `from None` where a foreign error quotes what the platform said."

    async def _complaint(self, engine: Engine, counterpart: Counterpart, fault: Fault) -> str:
        endpoint = await discovered(engine, counterpart)
        counterpart.emulator.play(fault)
        with pytest.raises(EngineError) as caught:
            await engine.invoke(endpoint, counterpart.request, call_context())
        counterpart.emulator.recover()
        return speech(caught.value)

    async def _complaint_of_discovery(self, engine: Engine, counterpart: Counterpart, fault: Fault) -> str:
        """Return nothing where the platform lists nothing."""
        if self.case.control_route is None:
            return ""
        counterpart.emulator.play(msgspec.structs.replace(fault, route=self.case.control_route, times=None))
        with pytest.raises(EngineError) as caught:
            await engine.endpoints()
        counterpart.emulator.recover()
        return speech(caught.value)


def _leaks(counterpart: Counterpart, said: Iterable[str]) -> list[str]:
    """Return which secrets of the case were said: in a log line, on the terminal, in an error with its causes."""
    text = "\n".join(said)
    return [f"secrets[{k}]" for k, secret in enumerate(counterpart.secrets) if secret in text]
