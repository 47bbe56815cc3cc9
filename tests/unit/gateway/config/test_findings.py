import pytest

from gateway.config.findings import Finding, Findings, Mark, Place, parse_place, spell


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (("engines", "aws", "region"), "engines.aws.region"),
        (("deployments", "credit-risk", "input", "fields", 2), "deployments.credit-risk.input.fields[2]"),
        (("redact", "Column one"), "redact['Column one']"),
        (("auth", "clients", "password:hunter2"), "auth.clients['password:...']"),
        (("a", "tab\there"), "a['tab\\there']"),
    ],
)
def test_places_are_spelt_without_values(place: Place, text: str) -> None:
    assert spell(place) == text


@pytest.mark.parametrize(
    ("text", "place"),
    [("output.probability_of", ("output", "probability_of")), ("input.fields[2]", ("input", "fields", 2)), ("", ())],
)
def test_places_are_read(text: str, place: Place) -> None:
    assert parse_place(text) == place


def test_lines_follow_the_file_and_fall_back_to_what_is_around() -> None:
    marks = {("b",): Mark(1, 1), ("a",): Mark(5, 1), ("a", "x"): Mark(6, 3)}
    findings = Findings([Finding((), "Last.", Mark(9, 9))])
    findings.add(("a", "x", "deep"), "Third.")
    findings.add(("a",), "Second.")
    findings.add(("b",), "First.")
    findings.add(("b",), "First.")
    assert findings.lines("f.yaml", marks) == [
        "f.yaml:1:1: b: First.",
        "f.yaml:5:1: a: Second.",
        "f.yaml:6:3: a.x.deep: Third.",
        "f.yaml:9:9: Last.",
    ]


def test_a_finding_covers_what_is_within_it_and_touches_what_is_around_it() -> None:
    findings = Findings()
    findings.add(("a", "b"), "Wrong.")
    assert findings.covers(("a", "b", "c"))
    assert not findings.covers(("a",))
    assert findings.touches(("a",))
    assert not findings.touches(("a", "b", "c"))
