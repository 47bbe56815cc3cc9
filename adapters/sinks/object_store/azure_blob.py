"""Azure Blob Storage, through its SDK (Put Blob and List Blobs in the REST reference)."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from adapters.sinks.object_store.logs import keep_out_of_logs
from adapters.sinks.object_store.settings import AzureSettings, Place
from adapters.sinks.object_store.stores import CONNECT_SECONDS, READ_SECONDS, Answer, refusal
from schemas.errors import MissingExtraError, SinkUnavailableError

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError
    from azure.storage.blob import ContainerClient

_SINGLE_PUT_BYTES = 256 * 2**20
_ADVICE = {
    "ContainerNotFound": "the container does not exist: check `url`",
    "AuthenticationFailed": "the credentials are not valid: check `azure`",
    "AuthorizationPermissionMismatch": "the credentials do not allow it: they need Storage Blob Data Contributor",
}


class AzureStore:
    """A `Store`: a container."""

    def __init__(self, place: Place, settings: AzureSettings) -> None:
        """Make the client; nobody is asked yet.

        Raises:
            MissingExtraError: the SDK is not installed.
        """
        self._prefix = place.prefix
        self._client = _client(place, settings)

    def put(self, name: str, body: bytes, content_type: str) -> None:
        """Put a block blob in one request: see `Store.put`."""
        from azure.storage.blob import ContentSettings  # noqa: PLC0415 - slow, and optional

        with _errors():
            self._client.upload_blob(
                f"{self._prefix}{name}",
                body,
                overwrite=True,
                content_settings=ContentSettings(content_type=content_type),
            )

    def names(self, beginning: str) -> Sequence[str]:
        """List blobs: see `Store.names`."""
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - slow, and optional

        try:
            with _errors(passing=403):
                found = list(self._client.list_blob_names(name_starts_with=f"{self._prefix}{beginning}"))
        except HttpResponseError:
            return ()
        return [name.removeprefix(self._prefix) for name in found]

    def all_names(self, beginning: str) -> Iterator[str]:
        """List blobs, all of them: see `Store.all_names`."""
        with _errors(task="list blobs"):
            for name in self._client.list_blob_names(name_starts_with=f"{self._prefix}{beginning}"):
                yield name.removeprefix(self._prefix)

    def get(self, name: str) -> bytes | None:
        """Get a blob: see `Store.get`."""
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - slow, and optional

        try:
            with _errors(passing=404, task="give the blob back"):
                return self._client.download_blob(f"{self._prefix}{name}").readall()
        except HttpResponseError:
            return None

    def close(self) -> None:
        """Close the client's connections."""
        self._client.close()


def _client(place: Place, settings: AzureSettings) -> "ContainerClient":
    try:
        from azure.storage.blob import ContainerClient  # noqa: PLC0415 - slow, and optional
    except ImportError as error:
        raise MissingExtraError(
            needed_by="Sink type object_store with azure://", package="azure-storage-blob", extra="object_store"
        ) from error
    keep_out_of_logs("azure", "urllib3")
    return ContainerClient(
        settings.account_url,
        place.root,
        credential=_credential(settings),
        max_single_put_size=_SINGLE_PUT_BYTES,
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        # The shipper repeats.
        retry_total=0,
    )


def _credential(settings: AzureSettings) -> Any:
    if settings.sas_token is not None:
        return settings.sas_token
    if settings.account_key is not None:
        return settings.account_key
    try:
        from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - slow, and optional
    except ImportError as error:
        raise MissingExtraError(
            needed_by="Sink type object_store with Entra's chain", package="azure-identity", extra="object_store"
        ) from error
    return DefaultAzureCredential()


@contextmanager
def _errors(*, passing: int | None = None, task: str = "store the object") -> Iterator[None]:
    """Raise our errors for those of the SDK; a refusal with the status `passing` stays as it is."""
    from azure.core.exceptions import AzureError, HttpResponseError  # noqa: PLC0415 - slow, and optional

    try:
        yield
    except AzureError as error:
        if not isinstance(error, HttpResponseError) or error.status_code is None:
            # The SDK's messages quote URLs; its classes say as much.
            problem = f"Azure Blob Storage can't be reached ({type(error).__name__}): check `azure`."
            raise SinkUnavailableError(problem, target="azure") from None
        if error.status_code == passing:
            raise
        what = "Azure Blob Storage"
        raise refusal(_answer(error), what=what, advice=_advice, now=time.time(), task=task) from None


def _answer(error: "HttpResponseError") -> Answer:
    headers = getattr(error.response, "headers", {})
    lowered = {name.lower(): value for name, value in headers.items()}
    # The SDK makes an enum of it where it knows the code.
    code = getattr(error, "error_code", None) or ""
    return Answer(status=error.status_code or 0, code=str(getattr(code, "value", code)), headers=lowered)


def _advice(answer: Answer) -> str:
    if answer.status in (401, 403):
        return _ADVICE.get(answer.code, "the credentials do not allow it: check `azure`")
    return _ADVICE.get(answer.code, "check `url` and `azure.account_url`")
