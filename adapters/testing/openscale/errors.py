"""Answers that say no, in the shape that OpenScale gives them (`Status.failure` of API v2)."""

from typing import Any
from uuid import uuid4

import msgspec
from aiohttp import web

from adapters.testing.ibm_tokens import IbmTokenServices


def errors(code: str, message: str) -> dict[str, Any]:
    """Return an error body, or the `failure` of a status."""
    return {"errors": [{"code": code, "message": message}], "trace": uuid4().hex}


def problem(kind: type[web.HTTPException], code: str, message: str) -> web.HTTPException:
    """Return an answer of this kind to raise."""
    return kind(text=msgspec.json.encode(errors(code, message)).decode(), content_type="application/json")


def check_token(request: web.Request, tokens: IbmTokenServices) -> None:
    """Check that a request carries a token that counts.

    Raises:
        HTTPException: 401.
    """
    if not tokens.admits(request):
        raise problem(web.HTTPUnauthorized, "unauthorized", "The token is missing, unknown or expired.")
