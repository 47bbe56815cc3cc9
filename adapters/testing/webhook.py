"""A receiver of signed batches of CloudEvents, as docs/sinks/webhook.md asks of one."""

import base64
import hashlib
import hmac
import time
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from adapters.testing.emulator import Emulator

_TOLERANCE_SECONDS = 300
_Text = Annotated[str, Meta(min_length=1)]


class Event(Struct, frozen=True, forbid_unknown_fields=True):
    """A CloudEvent 1.0 as JSON: the required attributes, and those that the gateway sets."""

    specversion: Literal["1.0"]
    id: _Text
    source: _Text
    type: _Text
    subject: _Text
    time: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]
    datacontenttype: Literal["application/json"]
    data: dict[str, Any]


_decoder = msgspec.json.Decoder(Annotated[list[Event], Meta(min_length=1)])


class WebhookReceiver(Emulator):
    """Takes events at `events_url`. Route for faults: `events`.

    Args:
        secret: that requests have to be signed with, `whsec_...`.
        headers: that every request has to carry.
        port: to listen on; 0 takes a free one.

    Attributes:
        refused: ids of events; a request with one of them is answered with 400.
        taken: `webhook-id` of the requests that were taken, repeats included.
    """

    def __init__(self, *, secret: str, headers: dict[str, str] | None = None, port: int = 0) -> None:
        super().__init__([web.post("/events", self._take, name="events")], port=port)
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._wanted = headers or {}
        self._events: dict[tuple[str, str], Event] = {}
        self.refused: set[str] = set()
        self.taken: list[str] = []

    @property
    def events_url(self) -> str:
        """Where events are posted to."""
        return f"{self.url}/events"

    @property
    def events(self) -> list[Event]:
        """The events in the order of their arrival, each once: `source` and `id` tell repeats."""
        return list(self._events.values())

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if any(request.headers.get(name) != value for name, value in self._wanted.items()):
            return web.Response(status=403)
        if not self._is_signed(request, body):
            return web.Response(status=401)
        if request.content_type != "application/cloudevents-batch+json":
            return web.Response(status=415)
        try:
            events = _decoder.decode(body)
        except msgspec.DecodeError:
            return web.Response(status=400)
        if any(event.id in self.refused for event in events):
            return web.Response(status=400)
        self.taken.append(request.headers["webhook-id"])
        for event in events:
            self._events.setdefault((event.source, event.id), event)
        return web.Response(status=204)

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        timestamp = request.headers.get("webhook-timestamp", "")
        if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > _TOLERANCE_SECONDS:
            return False
        content = f"{request.headers.get('webhook-id', '')}.{timestamp}.".encode() + body
        digest = base64.b64encode(hmac.new(self._key, content, hashlib.sha256).digest()).decode()
        # Several may be given, with blanks between them, while a secret is being changed.
        given = request.headers.get("webhook-signature", "").split()
        return any(hmac.compare_digest(signature, f"v1,{digest}") for signature in given)
