"""A webhook: batches of CloudEvents 1.0, one event a record, signed with HMAC-SHA256.

Sources: CloudEvents 1.0.2 and its HTTP binding ("Batched Content Mode") and JSON format ("JSON Batch Format");
Standard Webhooks 1.0 ("Signature scheme", "Webhook headers"). docs/sinks/webhook.md is the receiver's side of it.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct, field

from adapters.base import (
    Batch,
    BatchRecord,
    Receipt,
    RecordFilter,
    Response,
    Settlement,
    Sink,
    SinkPlugin,
    Transport,
    TransportError,
    record_filter,
)
from adapters.base.http_access import check_access
from adapters.base.retry_after import retry_after
from schemas.configuration import Doc, Secret, SelectingSinkSettings
from schemas.errors import SinkRefusedError, SinkUnavailableError
from schemas.payload import PayloadRecord

EVENT_TYPE = "openscale_gateway.payload.v1"

_CONTENT_TYPE = "application/cloudevents-batch+json; charset=UTF-8"
_SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with
_SECRET_BYTES = range(24, 65)
_SIGNING_HEADERS = frozenset({"webhook-id", "webhook-timestamp", "webhook-signature"})
_REFUSED = frozenset({400, 413, 422})
_MAX_ANSWER_BYTES = 1_000_000

WebhookUrl = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^/?#@\s]+([/?][^#\s]*)?$",
        extra_json_schema={"x-expected": "a URL that begins with http:// or https://, without user and fragment"},
    ),
]


class WebhookSettings(SelectingSinkSettings, frozen=True, kw_only=True):
    """Where the events go, and how they are signed."""

    url: Annotated[WebhookUrl, Doc("Where events are posted to, its query included.")]
    secret: Annotated[
        Secret,
        Doc("Key of the signatures: `whsec_` and 24 to 64 bytes in Base64 (openssl rand -base64 32)."),
    ]
    headers: Annotated[dict[str, Secret], Doc("Further headers of each request, as Authorization.")] = field(
        default_factory=dict
    )
    source: Annotated[
        str,
        Doc("`source` of the events, a URI reference: tells several gateways apart.", pattern=r"^[!-~]+$"),
    ] = "/openscale-gateway"

    def __post_init__(self) -> None:
        """Refuse a secret that is no key, and headers that can't be sent or are set here.

        Raises:
            ValueError: with a sentence that says what is needed.
        """
        signing_key(self.secret)
        check_access(None, self.headers)
        for name in self.headers:
            if name.lower() in _SIGNING_HEADERS:
                raise ValueError(f"`headers.{name}` is set by the gateway: remove it.")


class _Event(Struct, frozen=True):
    """A CloudEvent; `id` stays the same however often the record is sent."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    data: Raw


class Webhook:
    """A `Sink`: one URL that takes events."""

    def __init__(self, settings: WebhookSettings, transport: Transport) -> None:
        self._url = settings.url
        self._key = signing_key(settings.secret)
        self._headers = settings.headers
        self._source = settings.source
        self._transport = transport
        self._filter = record_filter(settings)

    @property
    def filter(self) -> RecordFilter:
        """What the settings ask for."""
        return self._filter

    def partition(self, record: PayloadRecord) -> str:
        """Return the same for all: any records may share a request."""
        return ""

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        """Post the records as one request; a success says that they are stored: see `Sink.send`."""
        # In a thread: the digests of a record of 20 MB take tens of milliseconds.
        body, headers = await asyncio.to_thread(self._message, batch)
        try:
            response = await self._transport.request(
                "POST", self._url, headers=headers, body=body, deadline=deadline, max_bytes=_MAX_ANSWER_BYTES
            )
        except TransportError as error:
            raise SinkUnavailableError(f"The webhook gave no answer: {error}") from error
        _check(response)
        return Receipt()

    async def settle(self, receipt: Receipt, *, deadline: float) -> Settlement:
        """Say that it is stored, as the receiver did."""
        return Settlement(state="stored")

    def _message(self, batch: Batch) -> tuple[bytes, Mapping[str, str]]:
        body = b"[" + b",".join(self._event(item) for item in batch.records) + b"]"
        # The same records make the same id, so that a receiver may recognise a repeat of the whole request.
        message_id = f"msg_{hashlib.sha256(body).hexdigest()[:32]}"
        timestamp = str(int(time.time()))
        return body, {
            **self._headers,
            "Content-Type": _CONTENT_TYPE,
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self._key, message_id, timestamp, body),
        }

    def _event(self, item: BatchRecord) -> bytes:
        event = _Event(
            specversion="1.0",
            id=item.record.scoring_id,
            source=self._source,
            type=EVENT_TYPE,
            subject=item.record.deployment_id,
            time=item.record.scoring_timestamp,
            datacontenttype="application/json",
            data=Raw(item.line),
        )
        return msgspec.json.encode(event)


@asynccontextmanager
async def connect(settings: WebhookSettings, transport: Transport) -> AsyncIterator[Sink]:
    """Open the sink; nothing is sent before the first record."""
    yield Webhook(settings, transport)


plugin = SinkPlugin(kind="webhook", settings=WebhookSettings, connect=connect)


def signing_key(secret: str) -> bytes:
    """Return the key that a secret of Standard Webhooks stands for.

    Raises:
        ValueError: it is not `whsec_` and 24 to 64 bytes in Base64; the sentence does not quote it.
    """
    text = secret.removeprefix(_SECRET_PREFIX)
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if text == secret or len(key) not in _SECRET_BYTES:
        raise ValueError(
            "`secret` must be `whsec_` and 24 to 64 random bytes in Base64: make one with `openssl rand -base64 32`"
        )
    return key


def signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the value of `webhook-signature`; `timestamp` is in whole seconds of the Unix epoch."""
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _check(response: Response) -> None:
    """Read what the receiver says.

    A wrong URL or credential is not the records' fault: it counts as unavailable, so that none is given up.

    Raises:
        SinkRefusedError: the receiver will not take the events as they are.
        SinkUnavailableError: not taken now.
    """
    status = response.status
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP
        return
    if status in _REFUSED:
        raise SinkRefusedError(f"The webhook refuses the events (status {status}).")
    raise SinkUnavailableError(
        f"The webhook takes no events now (status {status}): {_advice(status)}.",
        retry_after=retry_after(response, time.time()),
    )


def _advice(status: int) -> str:
    match status:
        case 401 | 403:
            return "check `secret` and `headers`, and the receiver's clock"
        case 410:
            return "its receiver is gone for good: correct `url`, or take the sink out"
        case 408 | 429:
            return "it throttles, or is too slow"
        case _ if status >= 500:  # noqa: PLR2004 - HTTP
            return "it is down"
    return "check that `url` is the receiver's own, behind any redirect, and takes batches of CloudEvents"
