from pathlib import Path

import pytest

from gateway.config.expansion import LARGEST_SECRET, expand
from gateway.config.findings import Findings

ENVIRON = {"NAME": "value", "EMPTY": "", "LITERAL": "${NAME}", "BROKEN": "\udcff"}


def expanded(text: object) -> object:
    findings = Findings()
    result = expand({"x": text}, ENVIRON, findings)
    assert not findings
    return result.value["x"]


def refusals(text: str) -> list[str]:
    findings = Findings()
    expand({"x": text}, ENVIRON, findings)
    return [line.removeprefix("f:1:1: x: ") for line in findings.lines("f", {})]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${NAME}", "value"),
        ("a-${NAME}-${NAME}", "a-value-value"),
        ("${EMPTY}", ""),
        ("$${NAME}", "${NAME}"),
        ("$$${NAME}", "$${NAME}"),
        ("${LITERAL}", "${NAME}"),
        ("$NAME $ {NAME}", "$NAME $ {NAME}"),
        (["${NAME}", {"k": "${NAME}"}], ["value", {"k": "value"}]),
        (12, 12),
    ],
)
def test_references_are_replaced_once(text: object, value: object) -> None:
    assert expanded(text) == value


@pytest.mark.parametrize(
    ("content", "value"),
    [(b"secret\n", "secret"), (b"secret\r\n", "secret"), (b"secret", "secret"), (b"two\nlines\n\n", "two\nlines\n")],
)
def test_a_mounted_secret_comes_without_its_last_line_feed(tmp_path: Path, content: bytes, value: str) -> None:
    (tmp_path / "secret").write_bytes(content)
    assert expanded(f"${{file:{tmp_path}/secret}}") == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("${ABSENT}", "The environment variable ABSENT is not set."),
        ("${BROKEN}", "The environment variable BROKEN is not UTF-8."),
        ("${file:/no/such/file}", "The file /no/such/file can't be read: No such file or directory."),
        ("${file:}", "A reference is ${NAME} or ${file:PATH}; write $${ where the text itself holds ${."),
        ("${file:a\0b}", "The path after `file:` is no path."),
        ("${}", "A reference is ${NAME} or ${file:PATH}; write $${ where the text itself holds ${."),
        ("pa${ss", "A reference is ${NAME} or ${file:PATH}; write $${ where the text itself holds ${."),
        ("${a b}", "A reference is ${NAME} or ${file:PATH}; write $${ where the text itself holds ${."),
    ],
)
def test_what_can_not_be_replaced_is_named(text: str, sentence: str) -> None:
    assert refusals(text) == [sentence]


def test_a_huge_or_binary_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "huge").write_bytes(b"x" * (LARGEST_SECRET + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert refusals(f"${{file:{tmp_path}/huge}}") == [
        f"The file {tmp_path}/huge is larger than 1048576 bytes: it is no secret."
    ]
    assert refusals(f"${{file:{tmp_path}/binary}}") == [f"The file {tmp_path}/binary is not UTF-8."]
    assert "can't be read" in refusals(f"${{file:{tmp_path}}}")[0]


def test_only_texts_that_held_a_reference_are_marked() -> None:
    result = expand({"a": "${NAME}", "b": ["x", "${NAME}"], "c": "$${x"}, ENVIRON, Findings())
    assert result.places == {("a",), ("b", 1)}
