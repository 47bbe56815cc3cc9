"""Amazon S3, and services with its API, through boto3 (PutObject and ListObjectsV2 in the API reference)."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from adapters.sinks.object_store.logs import keep_out_of_logs
from adapters.sinks.object_store.settings import Place, S3Settings
from adapters.sinks.object_store.stores import CONNECT_SECONDS, READ_SECONDS, Answer, refusal
from schemas.errors import MissingExtraError, SinkUnavailableError

_ADVICE = {
    "NoSuchBucket": "the bucket does not exist: check `url`",
    "PermanentRedirect": "the bucket is in another region: check `s3.region`",
    "AuthorizationHeaderMalformed": "the bucket is in another region: check `s3.region`",
    "InvalidAccessKeyId": "the access key is not known: check `s3.credentials`, or the AWS chain",
    "SignatureDoesNotMatch": "the secret key is wrong: check `s3.credentials`, or the AWS chain",
    "ExpiredToken": "the credentials have expired",
    "RequestTimeout": "the upload took too long",
}


class _Client(Protocol):
    """The operations of boto3's `s3` client that the sink needs."""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> object: ...  # noqa: N803 - AWS's

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]: ...  # noqa: N803 - AWS's

    def list_objects_v2(self, *, Bucket: str, Prefix: str, ContinuationToken: str = ...) -> dict[str, Any]: ...  # noqa: N803 - AWS's

    def close(self) -> None: ...


class S3Store:
    """A `Store`: a bucket."""

    def __init__(self, place: Place, settings: S3Settings) -> None:
        """Load the SDK; the client is made when it is needed, since the AWS chain may ask the network.

        Raises:
            MissingExtraError: boto3 is not installed.
        """
        try:
            import boto3  # noqa: F401, PLC0415 - slow, and optional
        except ImportError as error:
            raise MissingExtraError(
                needed_by="Sink type object_store with s3://", package="boto3", extra="object_store"
            ) from error
        self._place = place
        self._settings = settings
        self._lock = threading.Lock()
        self._made: _Client | None = None

    def put(self, name: str, body: bytes, content_type: str) -> None:
        """Put an object in one request: see `Store.put`."""
        with _errors():
            self._client().put_object(
                Bucket=self._place.root, Key=f"{self._place.prefix}{name}", Body=body, ContentType=content_type
            )

    def names(self, beginning: str) -> Sequence[str]:
        """List objects, at most 1000: see `Store.names`."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - slow, and optional

        try:
            with _errors(passing=403):
                page = self._client().list_objects_v2(
                    Bucket=self._place.root, Prefix=f"{self._place.prefix}{beginning}"
                )
        except ClientError:
            return ()
        return self._names_of(page)

    def all_names(self, beginning: str) -> Iterator[str]:
        """List objects, all of them: see `Store.all_names`."""
        asked = {"Bucket": self._place.root, "Prefix": f"{self._place.prefix}{beginning}"}
        following: dict[str, str] | None = {}
        while following is not None:
            with _errors(task="list objects"):
                page = self._client().list_objects_v2(**asked, **following)
            yield from self._names_of(page)
            token = page.get("NextContinuationToken")
            following = None if token is None else {"ContinuationToken": token}

    def get(self, name: str) -> bytes | None:
        """Get an object: see `Store.get`."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - slow, and optional

        try:
            with _errors(passing=404, task="give the object back"):
                answer = self._client().get_object(Bucket=self._place.root, Key=f"{self._place.prefix}{name}")
                body: bytes = answer["Body"].read()
        except ClientError:
            return None
        return body

    def close(self) -> None:
        """Close the client's connections."""
        if self._made is not None:
            self._made.close()

    def _names_of(self, page: dict[str, Any]) -> Sequence[str]:
        return [item["Key"].removeprefix(self._place.prefix) for item in page.get("Contents", [])]

    def _client(self) -> _Client:
        with self._lock:
            if self._made is None:
                self._made = _client(self._settings)
            return self._made


def _client(settings: S3Settings) -> _Client:
    import boto3  # noqa: PLC0415 - slow, and optional
    from botocore.config import Config  # noqa: PLC0415

    keep_out_of_logs("botocore", "urllib3")
    given = settings.credentials
    session = boto3.Session(
        region_name=settings.region,
        aws_access_key_id=given.access_key_id if given else None,
        aws_secret_access_key=given.secret_access_key if given else None,
        aws_session_token=given.session_token if given else None,
    )
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        # The shipper repeats.
        retries={"mode": "standard", "total_max_attempts": 1},
        # Other services don't all know AWS's newer checksums.
        request_checksum_calculation="when_required" if settings.endpoint_url else "when_supported",
    )
    client: _Client = session.client("s3", endpoint_url=settings.endpoint_url, config=config)
    return client


@contextmanager
def _errors(*, passing: int | None = None, task: str = "store the object") -> Iterator[None]:
    """Raise our errors for those of boto3; a refusal with the status `passing` stays as it is."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow, and optional

    try:
        yield
    except ClientError as error:
        answer = _answer(error)
        if passing is not None and answer.status == passing:
            raise
        raise refusal(answer, what="S3", advice=_advice, now=time.time(), task=task) from None
    except BotoCoreError as error:
        # The messages of botocore quote URLs; its classes say as much.
        raise SinkUnavailableError(
            f"S3 can't be reached ({type(error).__name__}): check `s3`, and the credentials.", target="s3"
        ) from None


def _answer(error: Any) -> Answer:
    details, metadata = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    headers = {name.lower(): value for name, value in metadata.get("HTTPHeaders", {}).items()}
    return Answer(status=metadata.get("HTTPStatusCode", 0), code=str(details.get("Code", "")), headers=headers)


def _advice(answer: Answer) -> str:
    if answer.status == 403:  # noqa: PLR2004 - HTTP
        return _ADVICE.get(answer.code, "the credentials need s3:PutObject, s3:ListBucket and, to audit, s3:GetObject")
    return _ADVICE.get(answer.code, "check `url` and `s3`")
