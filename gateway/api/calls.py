"""The online scoring route: from an HTTP request to a scoring call and back."""

import time
from collections.abc import Callable, Sequence

import msgspec
import structlog
from aiohttp import web
from msgspec import Raw

from gateway.api.bodies import BodyReader
from gateway.api.errors import SCORING_ID_HEADER
from gateway.api.guard import CALLER, TRACE
from gateway.api.routes import FAMILY_PREFIXES, Route, is_monitor
from gateway.api.transaction_ids import TRANSACTION_ID_HEADER, transaction_id
from gateway.directory import Directory
from gateway.payloadlog.call_record import TappedCall
from gateway.scoring import Scoring, ScoringCall
from gateway.translating import Translating
from schemas.deployment import Deployment

log = structlog.get_logger(__name__)

_keys_decoder = msgspec.json.Decoder(dict[str, Raw])


class ScoringRoute:
    """`POST /v1/deployments/{id}/online`, below any prefix.

    Args:
        directory: finds the deployment.
        scoring: scores.
        translating: where bodies are looked into.
        bodies: reads the body within the bounds.
        clock_ns: nanoseconds of the Unix epoch.
    """

    def __init__(
        self,
        directory: Directory,
        scoring: Scoring,
        translating: Translating,
        bodies: BodyReader,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._directory = directory
        self._scoring = scoring
        self._translating = translating
        self._bodies = bodies
        self._clock_ns = clock_ns

    def routes(self) -> Sequence[Route]:
        """Return the routes of all prefixes."""
        return [
            Route(
                "POST",
                f"{prefix}/v1/deployments/{{deployment_id}}/online",
                "monitor" if is_monitor(prefix) else "scoring",
                self.answer,
            )
            for prefix in FAMILY_PREFIXES
        ]

    async def answer(self, request: web.Request) -> web.Response:
        """Score the body of a request that the gate has admitted.

        Raises:
            GatewayError: whatever kept the call from a scored answer.
        """
        scoring_id = request[TRACE]
        deployment = self._directory.find(request.match_info["deployment_id"], request.match_info.get("engine"))
        caller_id = transaction_id(request)
        body, share = await self._bodies.read(request, any_type=deployment.takes_native)
        try:
            call = ScoringCall(
                body=body,
                content_type=request.headers.get("Content-Type"),
                tapped=TappedCall(
                    scoring_id=scoring_id,
                    caller=request[CALLER],
                    transaction_id=caller_id,
                    started_ns=self._clock_ns(),
                    never_logged=is_monitor(request.path),
                    marked=await self._is_marked(deployment, request, body),
                    caller_gone=lambda: request.transport is None or request.transport.is_closing(),
                ),
            )
            scored = await self._scoring.score(deployment, call)
        finally:
            self._bodies.give_back(share)
        log.debug("scored", scoring_id=scoring_id, deployment=deployment.id, body_bytes=len(body))
        headers = {SCORING_ID_HEADER: scoring_id, "Content-Type": scored.content_type}
        if caller_id is not None:
            headers[TRANSACTION_ID_HEADER] = caller_id
        return web.Response(body=scored.body, headers=headers)

    async def _is_marked(self, deployment: Deployment, request: web.Request, body: bytes) -> bool:
        marker = None if deployment.settings is None else deployment.settings.log_marker
        if marker is None:
            return False
        if marker.header is not None:
            value = request.headers.get(marker.header)
            return value is not None and marker.value in (None, value)
        return await self._translating.run(body, _has_key, body, marker.body_key)


def _has_key(body: bytes, key: str | None) -> bool:
    try:
        return key in _keys_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
