import msgspec
import pytest

from adapters.sinks.object_store.settings import ObjectStoreSettings, Place

AZURE = {"account_url": "https://account.blob.core.windows.net"}


def settings_of(**members: object) -> ObjectStoreSettings:
    return msgspec.convert({"type": "object_store", **members}, ObjectStoreSettings)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("file:///data/records", Place("file", "/data/records")),
        ("file:///data/a%20b/", Place("file", "/data/a b/")),
        ("s3://bucket", Place("s3", "bucket")),
        ("s3://bucket/", Place("s3", "bucket")),
        ("s3://bucket/a/b/", Place("s3", "bucket", "a/b/")),
    ],
)
def test_a_url_is_a_place(url: str, place: Place) -> None:
    assert settings_of(url=url).place == place


def test_a_container_has_its_account_beside_it() -> None:
    assert settings_of(url="azure://records/a", azure=AZURE).place == Place("azure", "records", "a/")


@pytest.mark.parametrize("url", ["", "/data", "file://host/data", "file:data", "s3://", "gs://bucket", "s3://b?x=1"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="url"):
        settings_of(url=url)


@pytest.mark.parametrize("members", [{"url": "azure://records"}, {"url": "s3://bucket", "azure": AZURE}])
def test_the_account_belongs_to_azure_and_to_nothing_else(members: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError, match="azure://"):
        settings_of(**members)


def test_two_credentials_of_an_account_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="at most one"):
        settings_of(url="azure://records", azure={**AZURE, "account_key": "a", "sas_token": "b"})


def test_objects_are_large_unless_told_otherwise_and_each_limit_can_be_told_alone() -> None:
    batch = settings_of(url="file:///data", batch={"seconds": 5}).batch
    assert (batch.records, batch.kb, batch.seconds) == (10_000, 8_000, 5)
