"""The error hierarchy, split by what the catcher does next.

No HTTP status stands here: `gateway.api` holds the table from error to status. A message says what is wrong and what
to do, and names types, sizes and places, never a value of the payload or a secret.
"""

from collections.abc import Sequence

MAX_ENGINE_MESSAGE = 500


class GatewayError(Exception):
    """Anything the gateway refuses or fails at.

    Attributes:
        message: one or two sentences for a person.
        target: the place, as `values[17][3]` or `engines.aws.region`.
    """

    code = "gateway_error"

    def __init__(self, message: str, *, target: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.target = target


class InvalidRequestError(GatewayError):
    """The body is not a scoring request: the caller has to send another."""

    code = "invalid_request"


class UnprocessableRequestError(GatewayError):
    """A scoring request that this deployment can't take as it is: a missing column, a cell its format can't carry."""

    code = "unprocessable_request"


class DeploymentNotConfiguredError(UnprocessableRequestError):
    """The endpoint was discovered, but nothing says how to talk to it."""

    code = "deployment_not_configured"


class UnknownDeploymentError(GatewayError):
    """No deployment has this id."""

    code = "unknown_deployment"


class DirectoryNotReadyError(GatewayError):
    """The deployment may exist: its engine has not been asked yet. `retry_after` is in seconds."""

    code = "directory_not_ready"

    def __init__(self, message: str, *, target: str | None = None, retry_after: float = 1.0) -> None:
        super().__init__(message, target=target)
        self.retry_after = retry_after


class UnauthenticatedError(GatewayError):
    """No credential, or a wrong one."""

    code = "unauthenticated"


class ForbiddenError(GatewayError):
    """The credential is right, its role may not do this."""

    code = "forbidden"


class OverloadedError(GatewayError):
    """Too much is in flight. `retry_after` is in seconds."""

    code = "overloaded"

    def __init__(self, message: str, *, target: str | None = None, retry_after: float = 1.0) -> None:
        super().__init__(message, target=target)
        self.retry_after = retry_after


class EngineError(GatewayError):
    """The platform behind a deployment did not give an answer that can be used.

    Attributes:
        engine_status: the HTTP status of the platform, or that of the model where the platform reports it.
        engine_message: the platform's own words, shortened. For the caller alone: they can quote the payload, so no
            log line, metric or record may hold them.
        retryable: the same call may be sent again, because the platform did not work on it, or says itself that it may.
        retry_after: seconds that the platform asked to wait before that.
        max_attempts: attempts in all that are worth making where one ends so; None: as many as are made of any call.
    """

    code = "engine_error"

    def __init__(
        self,
        message: str,
        *,
        target: str | None = None,
        engine_status: int | None = None,
        engine_message: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        max_attempts: int | None = None,
    ) -> None:
        super().__init__(message, target=target)
        self.engine_status = engine_status
        self.engine_message = engine_message[:MAX_ENGINE_MESSAGE] if engine_message else None
        self.retryable = retryable
        self.retry_after = retry_after
        self.max_attempts = max_attempts


class EngineUnavailableError(EngineError):
    """The platform can't be reached, throttles, or its circuit is open: it did not score."""

    code = "engine_unavailable"


class EngineTimeoutError(EngineError):
    """No answer in time: the platform may have scored."""

    code = "engine_timeout"


class EngineRefusedError(EngineError):
    """The platform said no, or failed: credentials, its own validation, an exception in the model."""

    code = "engine_refused"


class EngineEndpointNotFoundError(EngineRefusedError):
    """The platform does not know the endpoint (any more): discovery is out of date."""

    code = "engine_endpoint_not_found"


class EngineReplyError(EngineError):
    """The platform answered with something that is not a prediction for these rows."""

    code = "engine_reply"


class PayloadLogError(GatewayError):
    """The payload log can't do what it must."""

    code = "payload_log_error"


class SpoolUnavailableError(PayloadLogError):
    """The spool can't take a record: the disk is full, read-only or failing."""

    code = "payload_log_unavailable"


class SpoolFullError(SpoolUnavailableError):
    """The spool has reached `payload_log.max_gb` with records that are not delivered yet."""

    code = "payload_log_full"


class SinkUnavailableError(PayloadLogError):
    """A sink did not take a batch for now; the same batch is sent again later. `retry_after` is in seconds."""

    code = "sink_unavailable"

    def __init__(self, message: str, *, target: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, target=target)
        self.retry_after = retry_after


class SinkRefusedError(PayloadLogError):
    """A sink will not take this batch, however often it is sent: the record at fault has to be found."""

    code = "sink_refused"


class ConfigurationError(GatewayError):
    """The configuration can't be used; every mistake that was found is in `problems`, one line each, with its place."""

    code = "configuration_error"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class MissingExtraError(GatewayError):
    """An optional dependency is not installed; the message says which extra to install."""

    code = "missing_extra"

    def __init__(self, *, needed_by: str, package: str, extra: str) -> None:
        super().__init__(
            f"{needed_by} needs the package {package}, which is not installed. "
            f"Run: pip install 'openscale-gateway[{extra}]'"
        )
