import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.cli.errors import CommandError
from gateway.cli.rows_file import Batch, open_rows
from schemas.scoring import parse_scoring_request


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[Batch]]:
    def read_it(content: bytes | str, name: str = "rows.csv", n_rows: int = 500) -> list[Batch]:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with open_rows(path) as rows:
            return list(rows.batches(n_rows))

    return read_it


Read = Callable[..., list[Batch]]


def test_csv_is_split_into_batches_in_order(read: Read) -> None:
    text = "a,b\n" + "".join(f"{n},x\n" for n in range(7))
    batches = read(text, n_rows=3)
    assert [len(batch["values"]) for batch in batches] == [3, 3, 1]
    assert all(batch["fields"] == ["a", "b"] for batch in batches)
    assert [row for batch in batches for row in batch["values"]] == [[n, "x"] for n in range(7)]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("7", 7),
        ("-7", -7),
        ("-0", -0.0),
        ("007", "007"),
        ("1_000", "1_000"),
        ("٣", "٣"),
        ("2.50", 2.5),
        ("1e-06", 1e-06),
        ("1e999", "1e999"),
        ("nan", "nan"),
        ("999999999999999999", 999999999999999999),
        ("9223372036854775808", 2**63),
        ("9" * 41, "9" * 41),
        ("-1.5E+3", -1500.0),
        ("", None),
        (" x ", " x "),
        ("true", "true"),
        ('"a, ""b"""', 'a, "b"'),
    ],
)
def test_cells_are_numbers_where_they_are_written_as_json_would(read: Read, text: str, cell: Any) -> None:
    ((value, _),) = read(f"a,b\n{text},1\n")[0]["values"]
    assert (value, type(value)) == (cell, type(cell))


def test_byte_order_mark_empty_lines_and_crlf_are_no_data(read: Read) -> None:
    assert read(b"\xef\xbb\xbfa,b\r\n1,2\r\n\r\n3,4\r\n") == [{"fields": ["a", "b"], "values": [[1, 2], [3, 4]]}]


def test_header_alone_is_one_batch_without_rows(read: Read) -> None:
    assert read("a,b\n") == [{"fields": ["a", "b"], "values": []}]


def test_csv_is_read_as_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("a\n" + "1234567\n" * 200_000)
    with open_rows(path) as rows:
        batches = rows.batches(100)
        next(batches)
        assert 0 < rows.share_read < 0.1
        for _ in batches:
            pass
        assert rows.share_read == 1.0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "needs a line with the names"),
        ("a,b\n1\n", "line 2 has 1 cells, the header 2"),
        ("a\n" + "1\n" * 700 + "2,3\n", "line 702 has 2 cells, the header 1"),
        (b"a\n\xff\xfe\n", "not UTF-8"),
        ("a\n" + "x" * 200_000 + "\n", "field limit"),
    ],
)
def test_bad_csv_is_refused_with_its_place(read: Read, content: bytes | str, words: str) -> None:
    with pytest.raises(CommandError, match=words) as refused:
        read(content)
    assert "rows.csv" in refused.value.message


def test_missing_file_is_a_failure_of_the_command(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"), open_rows(tmp_path / "none.csv"):
        pass


def test_json_objects_become_columns(read: Read) -> None:
    content = '[{"a": 1, "b": "x"}, {"b": null, "c": [1]}]'
    assert read(content, "rows.JSON") == [{"fields": ["a", "b", "c"], "values": [[1, "x", None], [None, None, [1]]]}]


def test_scoring_request_is_split_with_its_meta(read: Read) -> None:
    content = '{"fields": ["a"], "values": [[1], [2], [3]], "meta": {"fields": ["m"], "values": [[7], [8], [9]]}}'
    batches = [msgspec.to_builtins(batch) for batch in read(content, "r.json", n_rows=2)]
    assert batches == [
        {"fields": ["a"], "values": [[1], [2]], "meta": {"fields": ["m"], "values": [[7], [8]]}},
        {"fields": ["a"], "values": [[3]], "meta": {"fields": ["m"], "values": [[9]]}},
    ]


@pytest.mark.parametrize("content", ['{"values": [[[0, 255]]]}', '{"input_data": [{"values": [[[0, 255]]]}]}'])
def test_unnamed_values_stay_unnamed(read: Read, content: str) -> None:
    assert read(content, "r.json") == [{"values": [[[0, 255]]]}]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"fields": ["a"]}', '{"fields": ["a"], "values": [[1, 2]]}'])
def test_other_json_is_refused(read: Read, content: str) -> None:
    with pytest.raises(CommandError, match=r"r\.json: neither"):
        read(content, "r.json")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(st.text(st.characters(codec="utf-8")), min_size=width, max_size=width), min_size=1
        )
    ),
    st.integers(1, 5),
)
def test_whatever_csv_writes_is_read_back_as_a_request(tmp_path: Path, rows: list[list[str]], n_rows: int) -> None:
    path = tmp_path / "any.csv"
    fields = [f"c{n}" for n in range(len(rows[0]))]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([fields, *rows])
    with open_rows(path) as opened:
        batches = list(opened.batches(n_rows))
    read = [row for batch in batches for row in batch["values"]]
    assert len(read) == len(rows)
    assert all(parse_scoring_request(msgspec.json.encode(batch)).request.fields == fields for batch in batches)
