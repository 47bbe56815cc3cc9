"""From what Azure ML says to what the gateway says.

Source: "Troubleshoot online endpoints deployment and scoring", HTTP status codes of managed and of Kubernetes online
endpoints; README of azureml-inference-server-http for the bodies of errors.
"""

from collections.abc import Mapping

from adapters.base import Response
from adapters.base.http_errors import Meaning, error_words, http_error
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnavailableError,
)

MODEL_STATUS = "ms-azureml-model-error-statuscode"
MODEL_REASON = "ms-azureml-model-error-reason"
_MODEL_FAILED = 424
_DEVIATIONS: Mapping[int, Meaning] = {
    401: (EngineRefusedError, "refused the key or token (401): check the engine's credentials", False),
    403: (EngineRefusedError, "refused access (403): check the permissions of the engine's identity", False),
    404: (EngineEndpointNotFoundError, "has no deployment with traffic, or not the one that was named", False),
    408: (EngineTimeoutError, "stopped waiting for its model (408)", False),
    409: (EngineUnavailableError, "can't take the call now (409)", True),
}


def scoring_error(what: str, response: Response) -> EngineError:
    """Make the error that an answer other than 2xx is.

    Args:
        what: who answered, as the subject of a sentence: `Azure ML endpoint credit`.
        response: the answer.
    """
    words = error_words(response.body) or response.headers.get(MODEL_REASON)
    if response.status != _MODEL_FAILED:
        return http_error(what, response, deviations=_DEVIATIONS, words=words)
    status = _model_status(response)
    says = f"passed the request to its model, which failed with status {status}"
    deviations = {_MODEL_FAILED: (EngineRefusedError, says, False)}
    error = http_error(what, response, deviations=deviations, words=words)
    error.engine_status = status
    return error


def control_error(status: int, what: str) -> EngineError:
    """Make the error that an answer of Azure Resource Manager is.

    Args:
        status: other than 2xx.
        what: what did not work, as the start of a sentence: `The keys of endpoint credit can't be listed`.
    """
    if status in (408, 429) or status >= 500:  # noqa: PLR2004 - HTTP
        return EngineUnavailableError(f"{what} now (status {status}).", engine_status=status, retryable=True)
    if status in (401, 403):
        advice = "check the engine's credentials and the roles of its identity in the workspace"
    elif status == 404:  # noqa: PLR2004 - HTTP
        advice = "check subscription_id, resource_group, workspace and control_url"
    else:
        advice = "check api_version and control_url"
    return EngineRefusedError(f"{what} (status {status}): {advice}.", engine_status=status)


def _model_status(response: Response) -> int:
    text = response.headers.get(MODEL_STATUS, "").strip()
    return int(text) if text.isascii() and text.isdecimal() else response.status
