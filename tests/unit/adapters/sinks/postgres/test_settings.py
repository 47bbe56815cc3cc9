import msgspec
import pytest

from adapters.sinks.postgres import PostgresSettings

BASE = {"type": "postgres", "dsn": "postgresql://gateway:very-secret@db.example/openscale"}


def settings_of(**members: object) -> PostgresSettings:
    return msgspec.convert({**BASE, **members}, PostgresSettings)


def test_a_dsn_is_all_that_is_needed() -> None:
    settings = settings_of()
    assert (settings.schema, settings.table, settings.create) == ("public", "payload_records", True)
    assert settings.retain_months is None
    assert "very-secret" not in repr(settings)


def test_a_dsn_of_another_database_is_refused_without_being_quoted() -> None:
    with pytest.raises(msgspec.ValidationError, match="postgresql://") as caught:
        settings_of(dsn="mysql://gateway:very-secret@db.example/openscale")
    assert "very-secret" not in str(caught.value)


def test_retention_is_refused_where_the_gateway_makes_no_partitions() -> None:
    with pytest.raises(msgspec.ValidationError, match="retain_months"):
        settings_of(create=False, retain_months=12)


@pytest.mark.parametrize("member", ["table", "schema"])
@pytest.mark.parametrize("name", ["", "1st", 'a"b', "a.b", "a b", "ä", "x" * 64])
def test_a_name_that_needs_escaping_is_refused(member: str, name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        settings_of(**{member: name})
