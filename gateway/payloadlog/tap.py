"""The tap: decides which calls are recorded."""

from gateway.payloadlog.call_record import CallRecord, RecordWriter, TapObserver, TappedCall, Unlogged, Unrecorded
from gateway.payloadlog.redaction import Redactor, unnamed_columns
from gateway.scoring_id import share_of
from schemas.configuration import DeploymentSettings, PayloadLogSettings
from schemas.deployment import Deployment
from schemas.scoring import ScoringRequest


class Tap:
    """Opens the records of calls.

    Args:
        settings: of the payload log.
        writer: the spool.
        observer: counts.
    """

    def __init__(self, settings: PayloadLogSettings, writer: RecordWriter, observer: TapObserver) -> None:
        self._answer_without = settings.on_failure == "answer"
        self._key = (settings.redaction_key or "").encode()
        self._writer = writer
        self._observer = observer

    def open(self, deployment: Deployment, call: TappedCall, request: ScoringRequest) -> CallRecord | Unlogged:
        """Return the record to enter for the time of the engine's call. Blocking: it encodes the request.

        Args:
            deployment: with settings.
            call: who called, and when.
            request: the caller's own rows.

        Raises:
            UnprocessableRequestError: its columns have to be redacted, and nobody knows which these are.
        """
        settings = deployment.settings
        assert settings is not None  # noqa: S101 - a deployment without settings has no pipeline, so no call
        reason = unrecorded(settings, call)
        if reason is not None:
            self._observer.not_recorded(deployment.id, reason)
            return Unlogged()
        return CallRecord(
            self._writer,
            self._observer,
            deployment,
            call,
            request,
            redactor=self._redactor(deployment, settings),
            answer_without=self._answer_without,
        )

    def _redactor(self, deployment: Deployment, settings: DeploymentSettings) -> Redactor | None:
        if not settings.redact:
            return None
        return Redactor(settings.redact, self._key, unnamed_columns(deployment, settings))


def unrecorded(settings: DeploymentSettings, call: TappedCall) -> Unrecorded | None:
    """Return why a call leaves no record; None where it does."""
    if settings.log == "none":
        return "log_none"
    if call.never_logged or (call.caller.origin == "monitor" and settings.log != "all"):
        return "monitor"
    if settings.log_marker is not None and not call.marked:
        return "no_marker"
    if settings.sample < 1.0 and share_of(call.scoring_id) >= settings.sample:
        return "sampled_out"
    return None
