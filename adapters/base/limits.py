"""Limits of an endpoint, as the configuration gives them where the platform states none."""

from typing import Annotated

from msgspec import Meta

from schemas.configuration import Doc, Settings
from schemas.deployment import Limits


class LimitSettings(Settings, frozen=True, kw_only=True):
    """What one native request may hold."""

    max_bytes: Annotated[Annotated[int, Meta(ge=1)] | None, Doc("Bytes of a request body; null: any number.")] = None
    max_rows: Annotated[Annotated[int, Meta(ge=1)] | None, Doc("Rows of a request; null: any number.")] = None
    max_parallel: Annotated[int, Doc("Requests under way at once when a batch is split.", ge=1)] = 4

    def limits(self) -> Limits:
        """Return them as an endpoint carries them."""
        return Limits(max_bytes=self.max_bytes, max_rows=self.max_rows, max_parallel=self.max_parallel)
