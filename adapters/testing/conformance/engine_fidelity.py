"""What an engine promises of whom it asks, and what: the endpoint and the request that it was given, nothing else."""

import asyncio

import pytest
from msgspec.structs import replace

from adapters.base import Engine
from adapters.testing.conformance.engine_case import Counterpart
from adapters.testing.conformance.engine_setting import SCORING_ID, EngineSetting, all_known, call_context
from adapters.testing.emulator import Fault
from schemas.deployment import Endpoint

EACH = 4
_HEADER = "X-Of-The-Caller"
_ITS_OWN = (
    "Call the endpoint that `invoke` is given, with the request that it is given, and return the answer to that: "
    "remember none of the three in the engine."
)


class EngineFidelity(EngineSetting):
    """Each call is its own, whatever others came before it or are under way; see `Counterpart.others`."""

    @pytest.mark.asyncio
    async def test_the_answers_of_its_case_tell_its_calls_apart(self, counterpart: Counterpart) -> None:
        answers = [call.answer for call in counterpart.calls]
        assert len(set(answers)) == len(answers), "Let the emulator answer each of `others` with another body."

    @pytest.mark.asyncio
    async def test_calls_one_after_another_get_the_answers_of_their_own_endpoints_to_their_own_requests(
        self, engine: Engine, counterpart: Counterpart
    ) -> None:
        endpoints, calls = await all_known(engine, counterpart), counterpart.calls
        for call in (*calls, *reversed(calls)):
            answer = await engine.invoke(endpoints[call.endpoint], call.request, call_context())
            assert answer.body == call.answer, _ITS_OWN

    @pytest.mark.asyncio
    async def test_calls_at_the_same_time_get_the_answers_of_their_own_endpoints_to_their_own_requests(
        self, engine: Engine, counterpart: Counterpart
    ) -> None:
        endpoints, calls = await all_known(engine, counterpart), counterpart.calls * EACH
        # Whose request arrives first is answered last.
        counterpart.emulator.play(Fault(route=self.case.scoring_route, delay_seconds=0.1))
        under_way = [engine.invoke(endpoints[call.endpoint], call.request, call_context()) for call in calls]
        answers = await asyncio.gather(*under_way)
        assert [answer.body for answer in answers] == [call.answer for call in calls], _ITS_OWN

    @pytest.mark.asyncio
    async def test_a_request_goes_out_in_its_media_type_and_with_its_headers(
        self, scorer: Engine, endpoint: Endpoint, counterpart: Counterpart
    ) -> None:
        request = replace(counterpart.request, headers={**counterpart.request.headers, _HEADER: "as it was"})
        await scorer.invoke(endpoint, request, call_context())
        sent = counterpart.emulator.last_headers[self.case.scoring_route]
        assert _bare(sent.get("Content-Type")) == _bare(request.content_type), "Send `content_type` as Content-Type."
        assert request.accept in (None, sent.get("Accept")), "Send `accept` as Accept: the format reads nothing else."
        assert sent.get(_HEADER) == "as it was", "Send `headers` beside those of the engine."

    @pytest.mark.asyncio
    async def test_the_platform_is_told_the_scoring_id(
        self, scorer: Engine, endpoint: Endpoint, counterpart: Counterpart
    ) -> None:
        if self.case.scoring_id_header is None:
            return
        await scorer.invoke(endpoint, counterpart.request, call_context())
        sent = counterpart.emulator.last_headers[self.case.scoring_route]
        assert sent.get(self.case.scoring_id_header) == SCORING_ID, "Send `context.scoring_id` in `scoring_id_header`."


def _bare(media_type: str | None) -> str:
    """Return a media type without its parameters, which an engine may leave out."""
    return (media_type or "").partition(";")[0].strip()
