from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gateway.api.openapi_parts import components, errors
from schemas.json_schemas import SCHEMA_NAMES, json_schema


def references(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for item in part:
            yield from references(item)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)


def test_every_reference_leads_somewhere() -> None:
    parts = components()
    found = set(references(parts))
    assert found
    for reference in found:
        _, _, section, name = reference.split("/")
        assert name in parts[section]


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_a_moved_schema_accepts_what_the_published_one_does(name: str) -> None:
    pascal = "".join(word.capitalize() for word in name.split("-"))
    moved = Draft202012Validator({"$ref": f"#/components/schemas/{pascal}", "components": components()})
    for example in json_schema(name)["examples"]:  # type: ignore[arg-type]
        moved.validate(example)
    assert not moved.is_valid([])


def test_every_error_example_is_an_error_body() -> None:
    validator = Draft202012Validator(json_schema("error"))
    for response in components()["responses"].values():
        for example in response["content"]["application/json"]["examples"].values():
            validator.validate(example["value"])


def test_answers_that_ask_for_something_have_the_header_for_it() -> None:
    responses = components()["responses"]
    for status, header in ((401, "WWW-Authenticate"), (405, "Allow"), (429, "Retry-After"), (503, "Retry-After")):
        name = errors([status])[str(status)]["$ref"].rpartition("/")[2]
        assert {"X-Scoring-Id", header} <= set(responses[name]["headers"])
