import pytest
from jsonschema import Draft202012Validator, FormatChecker
from msgspec import json

from schemas.json_schemas import SCHEMA_NAMES, SchemaName, json_schema
from schemas.payload import PayloadRecord, decode_record


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_every_schema_is_a_valid_schema_with_an_id_of_its_own(name: SchemaName) -> None:
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:openscale-gateway:schema:{name}"
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_every_example_follows_its_schema(name: SchemaName) -> None:
    schema = json_schema(name)
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    assert schema["examples"]
    for example in schema["examples"]:
        validator.validate(example)


def test_a_schema_belongs_to_who_asked_for_it() -> None:
    json_schema("error").clear()
    assert json_schema("error")["title"] == "Error"


def test_the_schema_of_a_record_names_the_fields_of_a_record_in_their_order() -> None:
    schema = json_schema("payload-record")
    assert list(schema["properties"]) == list(PayloadRecord.__struct_fields__)
    assert schema["required"] == list(PayloadRecord.__struct_fields__)


def test_a_record_follows_its_schema() -> None:
    line = json.encode(json_schema("payload-record")["examples"][0])
    record = decode_record(line)
    assert json.decode(record.encode()) == json.decode(line)
