"""The `id` of an inference request: servers answer with it, and write it into their logs and traces.

Source: KServe "Open Inference Protocol (V2)", inference request.
"""

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

ID_BYTES = 40
"""By how much a request grows."""


class _Request(Struct, frozen=True):
    id: Raw | UnsetType = UNSET


_decoder = msgspec.json.Decoder(_Request)


def with_id(body: bytes, scoring_id: str) -> bytes:
    """Return a request with the scoring id as its `id`; one that has an `id`, or is no JSON object, as it is.

    Args:
        body: of the request.
        scoring_id: 32 hex digits.
    """
    try:
        request = _decoder.decode(body)
    except (ValueError, RecursionError):
        return body
    if request.id is not UNSET:
        return body
    # Written again, other members might change their spelling.
    rest = body[body.index(b"{") + 1 :].lstrip(b" \t\r\n")
    return b'{"id":"%s"%s%s' % (scoring_id.encode(), b"" if rest.startswith(b"}") else b",", rest)
