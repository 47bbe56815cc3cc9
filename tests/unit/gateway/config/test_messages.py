import json

import pytest
from jsonschema import Draft202012Validator

from gateway.config.messages import Mistake, explain

SECTION = {"type": "object", "properties": {"x": {"type": "integer", "minimum": 1}}, "additionalProperties": False}
NULL = {"type": "null"}


def mistakes(schema: object, value: object) -> list[Mistake]:
    return [mistake for error in Draft202012Validator(schema).iter_errors(value) for mistake in explain(error)]


@pytest.mark.parametrize(
    ("schema", "value", "sentence"),
    [
        ({"type": "integer"}, "secret", "It must be a whole number, found is text."),
        ({"type": "string"}, 7, "It must be text, found is a number. Put it in quotes."),
        ({"type": "string"}, True, "It must be text, found is true or false. Put it in quotes."),
        ({"type": ["array", "null"]}, {}, "It must be a list or null, found is a mapping."),
        ({"enum": ["basic", "none"]}, "basc", "It must be one of: basic, none. Did you mean basic?"),
        ({"enum": ["basic", "none"]}, "secret", "It must be one of: basic, none."),
        ({"enum": []}, "secret", "It must be one of: nothing (no plugin for it is installed)."),
        ({"const": "a"}, "secret", "It must be one of: a."),
        ({"minimum": 1}, 0, "The value must be at least 1."),
        ({"maximum": 1}, 2, "The value must be at most 1."),
        ({"exclusiveMinimum": 0}, 0, "The value must be more than 0."),
        ({"exclusiveMaximum": 0}, 0, "The value must be less than 0."),
        ({"minLength": 1}, "", "The value must not be empty."),
        ({"minLength": 8}, "secret", "The value must have at least 8 characters."),
        ({"maxLength": 3}, "secret", "The value may have at most 3 characters."),
        ({"minItems": 1}, [], "The value must not be empty."),
        ({"maxItems": 0}, ["secret"], "The value may have at most 0 elements."),
        ({"pattern": "^a$"}, "secret", "The value must match ^a$"),
        ({"pattern": "^a$", "x-expected": "an a"}, "secret", "The value must be an a."),
        ({"multipleOf": 2}, 3, "The value breaks the rule `multipleOf` of the schema."),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, "The name may have at most 1 characters."),
        ({"required": ["a"]}, {}, "The key a is missing."),
        (SECTION, {"y": 1}, "The key is unknown. Known: x."),
        (SECTION, {"xx": 1}, "The key is unknown. Did you mean x?"),
        (SECTION, {"x:secret": None}, "The key is unknown. Is a blank missing after the colon?"),
        ({"anyOf": [{"type": "integer"}, NULL]}, "secret", "It must be a whole number or null, found is text."),
        ({"anyOf": [{"enum": ["a"]}, NULL]}, "secret", "It must be one of: a."),
        ({"anyOf": [{"enum": ["a"]}, NULL]}, 3, "It must be text or null, found is a number. Put it in quotes."),
        ({"anyOf": [SECTION, NULL]}, {"x": 0}, "The value must be at least 1."),
        ({"anyOf": [SECTION, {"type": "boolean"}]}, {"x": "secret"}, "It must be a whole number, found is text."),
        ({"anyOf": [{"type": "string", "minLength": 9}, NULL]}, "secret", "The value must have at least 9 characters."),
    ],
)
def test_each_rule_is_said_without_the_value(schema: dict[str, object], value: object, sentence: str) -> None:
    found = mistakes(schema, value)
    assert [mistake.sentence for mistake in found] == [sentence]
    assert "secret" not in json.dumps([mistake.sentence for mistake in found])


def test_each_missing_and_each_unknown_key_is_a_mistake_of_its_own() -> None:
    schema = {"properties": {"a": {"description": "The first."}}, "required": ["a", "b"], "additionalProperties": False}
    assert {(item.place, item.sentence) for item in mistakes(schema, {"x": 1, "y": 2})} == {
        ((), "The key a is missing. The first."),
        ((), "The key b is missing."),
        (("x",), "The key is unknown. Known: a."),
        (("y",), "The key is unknown. Known: a."),
    }


def test_a_wrong_type_says_which_types_could_stand_there() -> None:
    schema = {"properties": {"a": {"anyOf": [{"type": "number"}, {"type": "boolean"}]}}}
    assert mistakes(schema, {"a": "x"})[0].wanted == {"number", "boolean"}
