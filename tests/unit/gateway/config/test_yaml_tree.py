import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.findings import Mark
from gateway.config.yaml_tree import Document, parse_yaml


def parse(text: str | bytes) -> Document:
    return parse_yaml(text.encode() if isinstance(text, str) else text)


def sentences(document: Document) -> list[tuple[int, int, str]]:
    return [(item.mark.line, item.mark.column, item.sentence) for item in document.findings if item.mark]


def test_every_place_has_its_position() -> None:
    document = parse("a:\n  b: 1\n  c: [x, {d: y}]\n")
    assert document.value == {"a": {"b": 1, "c": ["x", {"d": "y"}]}}
    assert document.marks == {
        ("a",): Mark(1, 1),
        ("a", "b"): Mark(2, 3),
        ("a", "c"): Mark(3, 3),
        ("a", "c", 0): Mark(3, 7),
        ("a", "c", 1): Mark(3, 10),
        ("a", "c", 1, "d"): Mark(3, 11),
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "\ufeff"])
def test_an_empty_file_is_an_empty_mapping_or_null(text: str) -> None:
    assert not parse(text).value
    assert parse(text).readable


def test_labels_dates_and_versions_stay_text() -> None:
    document = parse("labels: [No, Yes, on, 2026-11-21, 1_0, 'true', !!str 12, \"7\"]")
    assert document.value["labels"] == ["No", "Yes", "on", "2026-11-21", "1_0", "true", "12", "7"]


def test_keys_are_text_whatever_they_look_like() -> None:
    assert parse("{1: a, true: b, null: c, 1.0: d}").value == {"1": "a", "true": "b", "null": "c", "1.0": "d"}


def test_merge_keys_bring_what_is_not_there_already() -> None:
    document = parse("base: &b {x: 1, y: 2}\nmore: &m {z: 3, y: 9}\nown: {y: 5, <<: [*b, *m]}\nsingle: {<<: *b}\n")
    assert document.value["own"] == {"x": 1, "y": 5, "z": 3}
    assert document.value["single"] == {"x": 1, "y": 2}
    assert document.marks[("own", "x")] == Mark(1, 11)
    assert document.findings == []


def test_an_earlier_merged_mapping_wins() -> None:
    document = parse("a: &a {x: 1}\nb: &b {x: 2}\nc: {<<: [*a, *b]}\n")
    assert document.value["c"] == {"x": 1}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert parse("{'<<': 1}").value == {"<<": 1}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1\nb: 2\na: 3\n", (3, 1, "The key is given twice: keep one of them.")),
        ("a: {<<: {b: 1}, <<: {c: 1}}", (1, 17, "The key is given twice: keep one of them.")),
        ("a: {<<: 1}", (1, 9, "Only mappings can be merged (`<<`).")),
        ("a: {? [x] : 1}", (1, 7, "A key has to be text.")),
        ("a: {'${X}': 1}", (1, 5, "References (`${...}`) are not replaced in keys: write the key itself.")),
        ("a: !!python/object:x 1", (1, 4, "This tag is not supported: leave it out.")),
        ("a: !!set {x}", (1, 4, "This tag is not supported: leave it out.")),
        ("a: !!int x", (1, 4, "The value is not of the type that its tag says.")),
        ("a: &a [*a]", (1, 4, "The alias stands within what it stands for.")),
        ("a: &a {<<: *a}", (1, 4, "The alias stands within what it stands for.")),
        ('a: "\\ud800"', (1, 4, "Half of a surrogate pair is no character.")),
        ("a: .nan", (1, 4, "Here infinities and NaN are no JSON values: put it in quotes if it is text.")),
    ],
)
def test_what_is_no_json_value_is_found_with_its_position(text: str, found: tuple[int, int, str]) -> None:
    document = parse(text)
    assert sentences(document) == [found]
    assert document.readable


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: [1\nb: 2\n", 2, 2),
        ("a: 'x\n", 2, 1),
        ("a:\n\t- 1\n", 2, 1),
        ("a: b: c\n", 1, 5),
        ("--- 1\n--- 2\n", 2, 1),
        ("a: @x\n", 1, 4),
        ("a: x\n b: y\n", 2, 3),
        ("a: \x00", 1, 4),
        (b"ok: 1\nbad: \xff\n", 2, 6),
        ('a: "\\UFFFFFFFF"', None, None),
        ("[" * 50_000, None, None),
    ],
)
def test_a_syntax_error_is_one_finding(text: str | bytes, line: int | None, column: int | None) -> None:
    document = parse(text)
    assert not document.readable
    assert len(document.findings) == 1
    assert document.findings[0].mark == (Mark(line, column) if line and column else None)


@pytest.mark.parametrize(
    "text", ["a: *hunter2\n", "a: &hunter2 1\nb: &hunter2 2\nc: *hunter3", "a: !hunter2!x 1", "%hunter2"]
)
def test_a_syntax_error_quotes_nothing_of_the_file(text: str) -> None:
    document = parse(text)
    assert not document.readable
    assert "hunter" not in document.findings[0].sentence


def test_aliases_can_not_make_a_huge_tree() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    document = parse("\n".join(lines))
    assert "more than 100000 values" in document.findings[0].sentence


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8), inner, max_size=4)
    ),
)


@given(json_values)
def test_json_is_yaml(value: object) -> None:
    """A JSON document means the same to us (floats as `json` writes them, but for exponents without a dot)."""
    document = parse(json.dumps({"value": value}))
    assert document.findings == []
    assert document.value == {"value": value}


@given(st.binary(max_size=200) | st.text(alphabet="ab:-[]{}&*!|>'\"\\#%@?,\n\t <$0.", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    document = parse_yaml(content)
    assert document.readable or len(document.findings) == 1


def test_a_syntax_error_quotes_what_was_expected() -> None:
    assert parse("a: [1\nb: 2\n").findings[0].sentence == (
        "The YAML can't be read: while parsing a flow sequence, expected ',' or ']', but got ':'."
    )
