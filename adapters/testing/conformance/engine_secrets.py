"""What an engine must not say: no secret and no payload in a log line, on the terminal, in an error or a `repr`."""

import json
import logging
from collections.abc import Iterable

import msgspec
import pytest

from adapters.base import Engine
from adapters.testing.conformance.engine_case import Counterpart
from adapters.testing.conformance.engine_setting import EngineSetting, call_context, discovered
from adapters.testing.conformance.speech import SECRETS_WANTED, speech, takes_secrets
from adapters.testing.conformance.watched_transport import WatchedTransport
from adapters.testing.emulator import Fault
from schemas.deployment import Endpoint
from schemas.errors import EngineError

CANARY = "canary-payload-value"


class EngineSecrets(EngineSetting):
    """Listens to all that an engine says, in fair weather and in foul."""

    @pytest.mark.asyncio
    async def test_its_case_names_the_secrets_that_it_uses(
        self, scorer: Engine, endpoint: Endpoint, counterpart: Counterpart, transport: WatchedTransport
    ) -> None:
        await scorer.invoke(endpoint, counterpart.request, call_context())
        uses = counterpart.wrong_credentials is not None or bool(transport.credentials)
        assert counterpart.secrets or not (uses or takes_secrets(self.case.plugin.settings)), SECRETS_WANTED

    @pytest.mark.asyncio
    async def test_no_secret_reaches_a_log_or_an_error(
        self,
        counterpart: Counterpart,
        transport: WatchedTransport,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        caplog.set_level(logging.DEBUG)
        faults = [
            # Credentials are renewed after a 401: first where they can't be had, then where new ones are no better.
            Fault(status=401, body=b"{}", times=None),
            Fault(route=self.case.scoring_route, status=401, body=b"{}", times=None),
            Fault(status=403, body=b"{}"),
            Fault(status=500, body=b"{}"),
            Fault(connection="reset"),
        ]
        async with self.case.plugin.connect(counterpart.settings, transport) as engine:
            endpoint = await discovered(engine, counterpart)
            await engine.invoke(endpoint, counterpart.request, call_context())
            errors = [await _failing(engine, endpoint, counterpart, fault) for fault in faults]
            errors += await self._failing_discovery(engine, counterpart, faults)
            spoken = [f"{engine!r} {counterpart.settings!r} {endpoint!r}"]
        # The platform has said nothing: what stands in `engine_message` now is the engine's.
        spoken += [f"{speech(error)} {error.engine_message}" for error in errors]
        leaks = _leaks(counterpart, transport, [*spoken, caplog.text, *capfd.readouterr()])
        assert leaks == [], (
            "A secret of the case reached a log line, the terminal, an error (its causes and its `engine_message` too) "
            "or a `repr`."
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
        endpoint = await discovered(engine, counterpart)
        faults = (Fault(route=self.case.scoring_route, status=status, body=body) for status in (400, 422, 500, 503))
        spoken = [speech(await _failing(engine, endpoint, counterpart, fault)) for fault in faults]
        said = "\n".join([*spoken, caplog.text, *capfd.readouterr()])
        assert CANARY not in said, "Pass the platform's words as `engine_message`, and put them nowhere else."

    @pytest.mark.asyncio
    async def test_what_a_control_plane_quotes_reaches_no_log_and_no_error(
        self,
        engine: Engine,
        counterpart: Counterpart,
        transport: WatchedTransport,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        # What SDKs say below this level is in no log of the gateway.
        caplog.set_level(logging.WARNING)
        body = json.dumps({"message": " ".join([CANARY, *counterpart.secrets])}).encode()
        faults = (Fault(status=status, body=body) for status in (400, 403, 500))
        errors = await self._failing_discovery(engine, counterpart, faults)
        said = [*map(speech, errors), caplog.text, *capfd.readouterr()]
        assert _leaks(counterpart, transport, said) == []
        assert CANARY not in "\n".join(said), "Raise `from None` where a foreign error quotes what the platform said."

    async def _failing_discovery(
        self, engine: Engine, counterpart: Counterpart, faults: Iterable[Fault]
    ) -> list[EngineError]:
        """Return the errors of discovery that meets one fault after another; none where the platform lists nothing."""
        errors: list[EngineError] = []
        if self.case.control_route is None:
            return errors
        for fault in faults:
            counterpart.emulator.play(msgspec.structs.replace(fault, route=self.case.control_route, times=None))
            with pytest.raises(EngineError) as caught:
                await engine.endpoints()
            counterpart.emulator.recover()
            errors.append(caught.value)
        return errors


async def _failing(engine: Engine, endpoint: Endpoint, counterpart: Counterpart, fault: Fault) -> EngineError:
    """Return the error of a call that meets a fault."""
    counterpart.emulator.play(fault)
    with pytest.raises(EngineError) as caught:
        await engine.invoke(endpoint, counterpart.request, call_context())
    counterpart.emulator.recover()
    return caught.value


def _leaks(counterpart: Counterpart, transport: WatchedTransport, said: Iterable[str]) -> list[str]:
    """Return which secrets of the case were said: in a log line, on the terminal, in an error with its causes."""
    text = "\n".join(said)
    secrets = {f"secrets[{k}]": secret for k, secret in enumerate(counterpart.secrets)} | transport.credentials
    return [name for name, secret in secrets.items() if secret in text]
