"""Errors in the shapes of AWS.

Source: "Common Errors", Amazon SageMaker API reference; boto/botocore, which reads the type of an error from the header
`x-amzn-ErrorType`, up to its first colon, or from `__type` of the body.
"""

import json

from aiohttp import web

from adapters.testing.emulator import Fault


class AwsRefusalError(Exception):
    """What an operation refuses with.

    Attributes:
        code: type of the error.
        status: HTTP status.
        details: further members of the body.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, details: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.details = details or {}

    def response(self, *, for_control_plane: bool) -> web.Response:
        """Return the answer, as the runtime writes it (a header names the type) or as the control plane does."""
        body: dict[str, object] = {"message": self.message, "Message": self.message, **self.details}
        if for_control_plane:
            body["__type"] = self.code
            return web.json_response(body, status=self.status, content_type="application/x-amz-json-1.1")
        headers = {"x-amzn-ErrorType": f"{self.code}:http://internal.amazon.com/coral/com.amazon.coral.service/"}
        return web.json_response(body, status=self.status, headers=headers)


def aws_error(
    code: str,
    status: int,
    message: str = "Emulated.",
    *,
    route: str | None = "invocations",
    times: int | None = 1,
    headers: dict[str, str] | None = None,
    **details: object,
) -> Fault:
    """Return a fault that answers with an error of AWS.

    Args:
        code: type of the error, as `ThrottlingException`.
        status: HTTP status.
        message: its text.
        route: `invocations`, `control`, or None for both.
        times: for how many requests; None: until the script is cleared.
        headers: further headers, as `Retry-After`.
        details: further members of the body, as `OriginalStatusCode` of a ModelError.
    """
    body = json.dumps({"__type": code, "Message": message, **details}).encode()
    return Fault(
        route=route, times=times, status=status, body=body, headers={"x-amzn-ErrorType": code, **(headers or {})}
    )
