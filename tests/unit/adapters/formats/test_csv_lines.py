import pytest

from adapters.formats.csv_lines import csv_text, numeric_lines, read_cell, split_lines
from schemas.errors import EngineReplyError


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("a", [["a"]]),
        ("a,b\nc,\n", [["a", "b"], ["c", ""]]),
        ("a\rb\r\nc", [["a"], ["b"], ["c"]]),
        ('"a,""b""\n",c', [['a,"b"\n', "c"]]),
        ('a, "b" ,\t[1,2] ,c', [["a", "b", "\t[1,2] ", "c"]]),
        ('""\n', [[None]]),
        ('"a', [['"a']]),
        ('"a"b,c', [['"a"b', "c"]]),
        ("[a,b", [["[a", "b"]]),
        ('"a",\n', [["a", ""]]),
        ('\n"a"', [[""], ["a"]]),
    ],
)
def test_lines_and_cells_are_split(text, lines):
    assert split_lines(text) == lines


@pytest.mark.parametrize(
    ("raw", "cell"),
    [
        (None, None),
        ("", None),
        (" 1 ", 1),
        ("[1, nan]", [1, None]),
        (" [1]", [1]),
        ("[a]", "[a]"),
        ("['a']", "['a']"),
        (" a ", " a "),
    ],
)
def test_a_cell_is_read_as_what_it_looks_like(raw, cell):
    assert read_cell(raw) == cell


def test_lines_of_numbers_are_read_fast_and_all_others_are_left():
    assert numeric_lines(b"1,2.5\n[3, 4],5\n") == [[1, 2.5], [[3, 4], 5]]
    for content in (
        b"",
        b"a",
        b"1,",
        b"1\n\n2",
        b'"1"',
        b"true",
        b"null",
        b"nan",
        b"007",
        b"1e999",
        b"\xff",
        b"[[1]]",
        b"1],[2",
        b"1,[2\n3]",
        b"[" * 99999,
    ):
        assert numeric_lines(content) is None


def test_what_is_no_csv_is_refused():
    assert csv_text(b"\xef\xbb\xbf<=50K") == "<=50K"
    for content in (b"\xff", b' {"error": 1}'):
        with pytest.raises(EngineReplyError):
            csv_text(content)
