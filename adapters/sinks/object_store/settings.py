"""The configuration of an object store sink."""

from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Meta, Struct

from schemas.configuration import BatchSettings, Doc, HttpUrl, PositiveFloat, Secret, SelectingSinkSettings, Settings

Format = Literal["parquet", "jsonl", "jsonl.gz"]


class ObjectBatchSettings(BatchSettings, frozen=True, kw_only=True):
    """When an object is written: as soon as one of these is reached. Readers like few and large ones."""

    records: Annotated[int, Doc("Records in an object.", ge=1)] = 10_000
    kb: Annotated[PositiveFloat, Doc("Size of a batch, in kB (10^3 bytes) of JSON, before compression.")] = 8_000
    seconds: Annotated[float, Doc("Age of the oldest record in a batch, in seconds.", ge=0)] = 60.0


class S3Credentials(Settings, frozen=True, kw_only=True):
    """An access key."""

    access_key_id: Annotated[Secret, Doc("Access key id.")]
    secret_access_key: Annotated[Secret, Doc("Secret access key.")]
    session_token: Annotated[Secret | None, Doc("Session token of temporary credentials.")] = None


class S3Settings(Settings, frozen=True, kw_only=True):
    """How Amazon S3, or a service like it, is reached."""

    region: Annotated[str | None, Doc("AWS region; null: from the AWS chain.")] = None
    endpoint_url: Annotated[HttpUrl | None, Doc("A VPC endpoint, or another service with S3's API; null: AWS.")] = None
    credentials: Annotated[
        S3Credentials | None,
        Doc("Access key; null: the AWS chain (environment, shared files, container and instance roles)."),
    ] = None


class AzureSettings(Settings, frozen=True, kw_only=True):
    """How Azure Blob Storage is reached; without key and SAS token through Microsoft Entra's default chain."""

    account_url: Annotated[HttpUrl, Doc("The storage account: https://<account>.blob.core.windows.net.")]
    account_key: Annotated[Secret | None, Doc("Key of the account.")] = None
    sas_token: Annotated[
        Secret | None, Doc("Shared access signature, with create, write and list; to audit, read.")
    ] = None

    def __post_init__(self) -> None:
        """Refuse two credentials.

        Raises:
            ValueError: with a sentence that says what is needed.
        """
        if self.account_key is not None and self.sas_token is not None:
            raise ValueError("at most one of `account_key` and `sas_token`")


class Place(Struct, frozen=True):
    """Where the objects go.

    Attributes:
        scheme: file, s3 or azure.
        root: the folder's path, the bucket or the container.
        prefix: before all names in a bucket or container; empty, or with a slash at its end.
    """

    scheme: str
    root: str
    prefix: str = ""


class ObjectStoreSettings(SelectingSinkSettings, frozen=True, kw_only=True):
    """Where objects go, and what they look like."""

    url: Annotated[
        str,
        Doc(
            "A folder that exists (`file:///data/records`), `s3://bucket/prefix` or `azure://container/prefix`.",
            pattern=r"^(file:///[^\s?#]*|(s3|azure)://[^\s/?#]+(/[^\s?#]*)?)$",
            extra_json_schema={"x-expected": "a URL that begins with file:///, s3:// or azure://"},
        ),
    ]
    format: Annotated[
        Format, Doc("parquet: columns, compressed; jsonl: the records' own lines, jsonl.gz: the same, compressed.")
    ] = "parquet"
    s3: Annotated[S3Settings, Doc("With `s3://`: how the bucket is reached.")] = S3Settings()
    azure: Annotated[AzureSettings | None, Doc("With `azure://`: how the container is reached.")] = None
    batch: Annotated[
        ObjectBatchSettings, Meta(description="When an object is written: as soon as one of these is reached.")
    ] = ObjectBatchSettings()

    def __post_init__(self) -> None:
        """Refuse a container without its account.

        Raises:
            ValueError: with a sentence that says what is needed.
        """
        if (self.place.scheme == "azure") != (self.azure is not None):
            raise ValueError("`azure` with the account's URL belongs to a `url` that begins with azure://")

    @property
    def place(self) -> Place:
        """The parts of `url`."""
        url = urlsplit(self.url)
        if url.scheme == "file":
            return Place(url.scheme, unquote(url.path))
        prefix = url.path.strip("/")
        return Place(url.scheme, url.netloc, f"{prefix}/" if prefix else "")
