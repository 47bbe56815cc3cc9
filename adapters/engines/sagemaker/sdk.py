"""The only module that touches boto3, which is slow to import and blocks: everything here is called in a thread."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from adapters.engines.sagemaker.errors import Failure, engine_error
from adapters.engines.sagemaker.settings import SageMakerSettings
from adapters.engines.sagemaker.signing import Keys
from schemas.errors import EngineError, EngineRefusedError, EngineUnavailableError, MissingExtraError

if TYPE_CHECKING:
    import boto3
    from botocore.credentials import Credentials
    from botocore.exceptions import BotoCoreError, ClientError

_CONNECT_SECONDS = 5
_READ_SECONDS = 20
_ATTEMPTS = 3

Answer = dict[str, Any]


class Pages(Protocol):
    """A paginator of boto3."""

    def paginate(self, **arguments: object) -> Iterable[Answer]:
        """Yield the pages of one listing."""
        ...


class ControlPlane(Protocol):
    """The operations of boto3's `sagemaker` client that discovery needs."""

    def get_paginator(self, operation_name: str) -> Pages:
        """Return the paginator of a listing."""
        ...

    def describe_endpoint(self, *, EndpointName: str) -> Answer:  # noqa: N803 - AWS's spelling, here and below
        """Return an endpoint."""
        ...

    def describe_endpoint_config(self, *, EndpointConfigName: str) -> Answer:  # noqa: N803
        """Return an endpoint's configuration: which models its variants run."""
        ...

    def describe_model(self, *, ModelName: str) -> Answer:  # noqa: N803
        """Return a model."""
        ...

    def describe_inference_component(self, *, InferenceComponentName: str) -> Answer:  # noqa: N803
        """Return an inference component: which model it runs."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


class Chain:
    """Credentials of the AWS chain; temporary ones are renewed where their source can do that."""

    def __init__(self, credentials: "Credentials") -> None:
        self._credentials = credentials

    def keys(self) -> Keys:
        """Return the keys, renewed if they would expire within the next ten minutes.

        Raises:
            EngineError: they are about to expire and can't be renewed.
        """
        with sdk_errors("The AWS credentials can't be renewed"):
            frozen = self._credentials.get_frozen_credentials()
        if not frozen.access_key or not frozen.secret_key:
            raise EngineRefusedError("The AWS credentials that were found are incomplete: check their source.")
        return Keys(frozen.access_key, frozen.secret_key, frozen.token)


def open_chain(settings: SageMakerSettings) -> Chain:
    """Look for credentials where the AWS SDKs look for them.

    Raises:
        EngineError: there are none, or they can't be had now.
        MissingExtraError: boto3 is not installed.
    """
    session = _session(settings)
    with sdk_errors("The AWS credentials can't be had"):
        credentials = session.get_credentials()
    if credentials is None:
        raise EngineRefusedError(
            "No AWS credentials were found: set `credentials` of the engine, or give the process a profile or a role."
        )
    return Chain(credentials)


def open_control_plane(settings: SageMakerSettings) -> ControlPlane:
    """Return a client of the control plane, with timeouts and at most three attempts.

    Raises:
        EngineError: it can't be made with this configuration.
        MissingExtraError: boto3 is not installed.
    """
    session = _session(settings)
    from botocore.config import Config  # noqa: PLC0415 - slow, and optional

    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    )
    with sdk_errors("The client of SageMaker's control plane can't be made"):
        client: Any = session.client("sagemaker", endpoint_url=settings.control_url, config=config)
    control: ControlPlane = client
    return control


@contextmanager
def sdk_errors(what: str) -> Iterator[None]:
    """Raise an `EngineError` for an exception of boto3 in the block; boto3 has to be installed.

    Args:
        what: what failed then, as a sentence without its end.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow, and optional

    try:
        yield
    except ClientError as error:
        # Not from it: its text is AWS's own, which can quote what was sent.
        raise engine_error(_failure(error), f"{what}: AWS") from None
    except BotoCoreError as error:
        raise _unanswered(error, what) from error


def _session(settings: SageMakerSettings) -> "boto3.Session":
    try:
        import boto3  # noqa: PLC0415 - slow, and optional
    except ImportError as error:
        raise MissingExtraError(needed_by="Engine type sagemaker", package="boto3", extra="sagemaker") from error
    _keep_secrets_out_of_logs()
    given = settings.credentials
    with sdk_errors("The AWS configuration can't be used"):
        return boto3.Session(
            region_name=settings.region,
            aws_access_key_id=given.access_key_id if given else None,
            aws_secret_access_key=given.secret_access_key if given else None,
            aws_session_token=given.session_token if given else None,
        )


def _keep_secrets_out_of_logs() -> None:
    # At DEBUG botocore logs signed requests with their session tokens. Whoever sets its level has decided otherwise.
    logger = logging.getLogger("botocore")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)


def _failure(error: "ClientError") -> Failure:
    details = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return Failure(status=status, code=details.get("Code", ""), message=details.get("Message"))


def _unanswered(error: "BotoCoreError", what: str) -> EngineError:
    from botocore.exceptions import (  # noqa: PLC0415 - slow, and optional
        ConnectionError,  # noqa: A004 - botocore's own, which is not Python's
        CredentialRetrievalError,
        HTTPClientError,
        MetadataRetrievalError,
    )

    # The messages of botocore quote URLs and answers; its classes say as much.
    message = f"{what} ({type(error).__name__})."
    if isinstance(error, ConnectionError | HTTPClientError | CredentialRetrievalError | MetadataRetrievalError):
        return EngineUnavailableError(message, retryable=True)
    return EngineRefusedError(f"{message} Check `region`, `credentials` and `control_url` of the engine.")
