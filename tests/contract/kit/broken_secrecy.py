"""Engines that say what they should keep to themselves: see `broken_engines`."""

import logging
from typing import Any, ClassVar

from adapters.testing.conformance import EngineConformance
from schemas.errors import EngineError, EngineRefusedError
from tests.contract.kit.broken_engines import Sound, case_of, counterpart_with


class TestWithoutSecrets(EngineConformance):
    case = case_of(Sound, start=counterpart_with(secrets=[]))
    fails: ClassVar = {"test_its_case_names_the_secrets_that_it_uses": "list them in `secrets`"}


class Talkative(Sound):
    async def endpoints(self) -> Any:
        try:
            return await self._engine.endpoints()
        except EngineError as error:
            raise EngineRefusedError(f"The platform says: {error.engine_message}") from error

    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        logging.getLogger("talkative").info("calling with %s", self._settings.credentials.password)
        try:
            return await super().invoke(endpoint, request, context)
        except EngineError as error:
            raise EngineRefusedError(f"The platform says: {error.engine_message}") from error


class TestTalkative(EngineConformance):
    case = case_of(Talkative)
    fails: ClassVar = {
        "test_no_secret_reaches_a_log_or_an_error": "secrets[0]",
        "test_what_a_platform_quotes_of_the_payload_goes_into_engine_message_alone": "as `engine_message`",
        "test_what_a_control_plane_quotes_reaches_no_log_and_no_error": "secrets[0]",
    }


class Confiding(Sound):
    """Tells callers with which credentials it was refused."""

    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        try:
            return await super().invoke(endpoint, request, context)
        except EngineRefusedError as error:
            if error.engine_status == 401:
                words = f"{self._settings.credentials.authorization} is not taken."
                raise EngineRefusedError(error.message, engine_status=401, engine_message=words) from None
            raise


class TestConfiding(EngineConformance):
    case = case_of(Confiding)
    fails: ClassVar = {"test_no_secret_reaches_a_log_or_an_error": "Authorization 0"}
