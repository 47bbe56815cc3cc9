"""What the tap hands to the spool."""

from msgspec import Struct

from schemas.caller import Origin
from schemas.payload import Outcome


class SpoolEntry(Struct, frozen=True, kw_only=True):
    """A record on its way to the spool.

    Attributes:
        scoring_id: of the call.
        deployment_id: public id.
        outcome: how the call ended.
        origin: whose call it was.
        scored_at_us: start of the call, in microseconds of the Unix epoch.
        line: the record as JSON (`PayloadRecord.encode`).
    """

    scoring_id: str
    deployment_id: str
    outcome: Outcome
    origin: Origin
    scored_at_us: int
    line: bytes
