import pytest

from gateway.config.expansion import Expanded
from gateway.config.findings import Findings
from gateway.config.validation import validate

PORT = {"properties": {"port": {"type": "integer", "maximum": 9}, "list": {"items": {"type": ["number", "null"]}}}}


def checked(tree: object, schema: object, *expanded: tuple[str | int, ...]) -> tuple[object, list[str]]:
    findings = Findings()
    value = validate(Expanded(tree, frozenset(expanded)), schema, findings)
    return value, findings.lines("f", {})


def test_text_of_a_reference_is_converted_where_a_number_is_wanted() -> None:
    tree = {"port": "8", "list": ["1.5", "null", "~"]}
    value, lines = checked(tree, PORT, ("port",), ("list", 0), ("list", 1), ("list", 2))
    assert value == {"port": 8, "list": [1.5, None, None]}
    assert lines == []
    assert tree == {"port": "8", "list": ["1.5", "null", "~"]}


def test_other_text_is_not_converted() -> None:
    assert checked({"port": "8"}, PORT) == ({"port": "8"}, ["f:1:1: port: It must be a whole number, found is text."])


@pytest.mark.parametrize("text", ["eight", "1.5", "", "true", "9" * 999])
def test_text_of_a_reference_that_means_something_else_is_a_mistake(text: str) -> None:
    assert checked({"port": text}, PORT, ("port",))[1] == ["f:1:1: port: It must be a whole number, found is text."]


def test_what_was_converted_is_checked_like_any_other_value() -> None:
    assert checked({"port": "10"}, PORT, ("port",))[1] == ["f:1:1: port: The value must be at most 9."]


def test_a_pattern_ends_where_the_text_ends() -> None:
    schema = {"properties": {"id": {"pattern": "^[a-z]+$"}}}
    assert checked({"id": "a"}, schema)[1] == []
    assert checked({"id": "a\n"}, schema)[1] == ["f:1:1: id: The value must match ^[a-z]+$"]
    assert checked({"id": 3}, schema)[1] == []


def test_a_mistake_that_is_known_is_not_said_twice() -> None:
    findings = Findings()
    findings.add(("port",), "Known.")
    validate(Expanded({"port": "x"}, frozenset()), PORT, findings)
    assert findings.lines("f", {}) == ["f:1:1: port: Known."]


REFERS = {"properties": {"to": {"x-refers-to": "engines"}, "of": {"propertyNames": {"x-refers-to": "deployments"}}}}


@pytest.mark.parametrize(
    ("tree", "sentences"),
    [
        ({"to": "aws", "engines": {"aws": {}}}, []),
        ({"to": "aws", "engines": {"asw": {}}}, ["to: The value must name an entry of `engines`. Did you mean asw?"]),
        ({"to": "aws", "engines": []}, ["to: The value must name an entry of `engines`. Known: none."]),
        (
            {"to": "x", "engines": {"aws": 1, "b:secret": 1}},
            ["to: The value must name an entry of `engines`. Known: aws."],
        ),
        ({"to": 3}, []),
        ({"of": {"aws--x": 1}, "engines": {"aws": {}}}, []),
    ],
)
def test_names_of_other_sections_have_to_be_known(tree: object, sentences: list[str]) -> None:
    assert [line.removeprefix("f:1:1: ") for line in checked(tree, REFERS)[1]] == sentences


def test_a_data_set_may_be_for_an_endpoint_that_is_discovered() -> None:
    lines = checked({"of": {"x": 1}, "engines": {"aws": {}}}, REFERS)[1]
    assert len(lines) == 1
    assert "be the generated id `<engine>--<endpoint>` of a discovered endpoint. Known: none." in lines[0]
