import csv as reference
import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Body
from adapters.formats.csv import CsvSettings, plugin
from schemas.errors import EngineReplyError, UnprocessableRequestError
from schemas.table import Table


def encode(rows, columns=None, **options):
    return plugin.build(CsvSettings(**options)).encode(Table(columns, rows)).content.decode()


def decode(text, n_rows=None, **options):
    return plugin.build(CsvSettings(**options)).decode(Body(text.encode(), "text/csv"), n_rows)


numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.none())
texts = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(',"\r\n '))).map(
    lambda text: "x" + text
)


def tables(cells):
    return st.integers(1, 5).flatmap(
        lambda width: st.tuples(
            st.just(tuple(f"f{k}" for k in range(width))),
            st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=5),
        )
    )


@given(tables(numbers))
def test_numbers_and_null_come_back_as_they_were(table):
    columns, rows = table
    back = decode(encode(rows), len(rows), fields=columns)
    assert back == Table(columns, rows)
    assert [[type(cell) for cell in row] for row in back.rows] == [[type(cell) for cell in row] for row in rows]


@given(tables(st.one_of(numbers, texts)))
def test_texts_with_quotes_commas_and_line_ends_come_back_as_they_were(table):
    columns, rows = table
    assert decode(encode(rows), len(rows), fields=columns) == Table(columns, rows)


@given(tables(st.one_of(numbers, texts)))
def test_a_reader_of_rfc_4180_sees_the_same_cells(table):
    _, rows = table
    read = list(reference.reader(io.StringIO(encode(rows), newline="")))
    assert read == [
        ["" if cell is None else str(cell) if isinstance(cell, str) else repr(cell) for cell in row] for row in rows
    ]


@given(tables(texts))
def test_a_header_line_names_the_columns(table):
    columns, rows = table
    assert decode(encode(rows, columns, header=True), len(rows), header=True) == Table(columns, rows)


@given(st.text(), st.integers(1, 4))
def test_any_text_is_read_or_refused(text, n_rows):
    try:
        table = decode(text, n_rows)
    except EngineReplyError:
        return
    assert len(table.rows) == n_rows
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_one_row_is_written_on_each_line_without_a_header():
    assert encode([[33, 900.5], [61, 50]], ["Age", "Loan"]) == "33,900.5\n61,50"


def test_header_names_are_quoted_where_they_need_it_and_stand_alone_without_rows():
    assert encode([[1, 2]], ["a,b", "c"], header=True) == '"a,b",c\n1,2'
    assert encode([], ["a", "b"], header=True) == "a,b\n"
    assert decode("a,007\n1,2\n", 1, header=True) == Table(("a", "007"), [[1, 2]])


def test_header_of_a_nameless_table_is_refused():
    with pytest.raises(UnprocessableRequestError) as caught:
        encode([[1]], None, header=True)
    assert caught.value.target == "fields"


def test_booleans_are_digits_and_null_is_an_empty_cell():
    assert encode([[True, False, None, 1]]) == "1,0,,1"
    assert encode([[True, False, None, "x"]]) == "1,0,,x"


@pytest.mark.parametrize(
    "cell", [1e-7, 1e-05, 0.0001, 1e16, 1.5e300, 123456789012345680.0, 100000.0, 0.1 + 0.2, 2**70, -0.0]
)
def test_numbers_are_written_as_python_does(cell):
    assert encode([[cell, 1]]) == f"{cell!r},1"


@pytest.mark.parametrize("cell", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_empty_cells(cell):
    assert encode([[cell, 1], ["x", cell]]) == ",1\nx,"


def test_a_lone_empty_cell_does_not_vanish():
    assert encode([[None]]) == '""'
    assert encode([[None], [1]]) == '""\n1'
    assert decode('""\n1', 2, fields=("a",)).rows == [[None], [1]]
    assert decode('""', None, fields=("a",)).rows == [[None]]


@pytest.mark.parametrize("text", ["[a", "[0.5", "\ufeffa", " [", 'a"b', "a,b", "a\rb"])
def test_texts_that_would_be_read_as_something_else_are_quoted(text):
    line = encode([[text, "b]"]])
    assert line == '"' + text.replace('"', '""') + '",b]'
    assert decode(line, 1, fields=("x", "y")).rows == [[text, "b]"]]


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([["], [", 1], ["}", 2]], '"], [",1\n},2'),
        ([["null", None], ["true", True]], "null,\ntrue,1"),
        ([["1e-7", 0.5], ["", 0.0000001]], "1e-7,0.5\n,1e-07"),
        ([["back\\slash", 1], ['"', "tab\t"]], 'back\\slash,1\n"""",tab\t'),
        ([["ä\u2028", "\ufeff"], ["", "x"]], 'ä\u2028,"\ufeff"\n,x'),
        ([[""], ["x"]], '""\nx'),
        ([["x"], ["y"]], "x\ny"),
    ],
)
def test_texts_beside_numbers_stay_what_they_are_whatever_they_look_like(rows, text):
    assert encode(rows) == text


def test_a_text_that_utf_8_can_not_carry_is_refused_with_its_place():
    with pytest.raises(UnprocessableRequestError) as caught:
        encode([["x", 1], ["\ud800", 2]])
    assert caught.value.target == "values[1][0]"


def test_readers_that_heed_no_quotes_get_numbers_only():
    assert encode([[1, 2.5, None, True, "7", " 1e-3", ""]], cells="numbers") == "1,2.5,,1,7, 1e-3,"
    for text in ("x", "#", "007", "1,5", "1\n2", "a#b", "nan", "-Infinity", "1e999", " ", "7\n", "\u00a07", "\u0663"):
        with pytest.raises(UnprocessableRequestError, match="no number") as caught:
            encode([[1, 2], [3, text]], cells="numbers")
        assert caught.value.target == "values[1][1]"
        assert text not in caught.value.message or len(text) == 1


@pytest.mark.parametrize(("cell", "kind"), [([0.1], "an array"), ({"a": 1}, "an object")])
def test_vectors_and_objects_are_refused_with_their_place(cell, kind):
    with pytest.raises(UnprocessableRequestError, match=kind) as caught:
        encode([[1, 2], [3, cell]])
    assert caught.value.target == "values[1][1]"


def test_an_integer_with_too_many_digits_is_refused_with_its_place():
    with pytest.raises(UnprocessableRequestError) as caught:
        encode([[1, 10**5000]])
    assert caught.value.target == "values[0][1]"


def test_all_rows_on_one_line_are_split_by_their_number():
    assert decode("0.2,0.7", 2) == Table(("prediction",), [[0.2], [0.7]])
    assert decode("1,2,3,4", 2, fields=("a", "b")) == Table(("a", "b"), [[1, 2], [3, 4]])
    assert decode("1,2,3,4", 2) == Table(("probability",), [[[1, 2]], [[3, 4]]])


def test_one_line_is_not_cut_between_a_label_and_its_score():
    for text in ("yes,0.8", "0.8,yes", "yes,0.8,0.2,no"):
        with pytest.raises(EngineReplyError, match="one line of CSV to 2 rows"):
            decode(text, 2)
    assert decode("yes,no", 2).rows == [["yes"], ["no"]]
    assert decode("yes,0.8,no,nan", 2, fields=("a", "b")).rows == [["yes", 0.8], ["no", None]]


def test_vectors_in_brackets_are_cells():
    assert decode("[0.1, 0.9],[0.8, 0.2]", 2) == Table(("probability",), [[[0.1, 0.9]], [[0.8, 0.2]]])
    assert decode("[0.1, 0.9]\n[0.8, nan]\n", 2) == Table(("probability",), [[[0.1, 0.9]], [[0.8, None]]])


def test_several_vectors_to_one_row_are_refused_unless_they_are_named():
    with pytest.raises(EngineReplyError, match="several vectors"):
        decode("[0.1, 0.9],[0.8, 0.2]", 1)
    assert decode("[0.1, 0.9],[0.8, 0.2]", 1, fields=("a", "b")).rows == [[[0.1, 0.9], [0.8, 0.2]]]
    assert decode("yes,[0.1, 0.9],no,[0.8, 0.2]", 2) == Table(
        ("prediction", "probability"), [["yes", [0.1, 0.9]], ["no", [0.8, 0.2]]]
    )


def test_a_line_in_the_order_of_configured_keys_is_read():
    line = "yes,0.8,\"[0.2, 0.8]\",\"['no', 'yes']\"\n"
    fields = ("predicted_label", "probability", "probabilities", "labels")
    assert decode(line, 1, fields=fields).rows == [["yes", 0.8, [0.2, 0.8], "['no', 'yes']"]]


def test_one_value_a_line_is_the_prediction():
    assert decode("0.2\n0.7\n", 2) == Table(("prediction",), [[0.2], [0.7]])


def test_nan_infinities_and_empty_cells_are_none():
    assert decode("nan,1\nNaN,-inf\n,Infinity\n", 3, fields=("a", "b")).rows == [[None, 1], [None, None], [None, None]]


def test_only_numbers_are_trimmed_and_ids_keep_their_zeros():
    assert decode("1, 2.5 , <=50K,007,+49,?,1_0", 1, fields=tuple("abcdefg")).rows == [
        [1, 2.5, " <=50K", "007", "+49", "?", "1_0"]
    ]


def test_numbers_of_other_languages_are_read():
    assert decode("1.,.5,9.1E-02,-3", 1, fields=tuple("abcd")).rows == [[1.0, 0.5, 0.091, -3]]


def test_blank_lines_are_no_rows():
    assert decode("a\n\nb\n\n", 2).rows == [["a"], ["b"]]
    assert decode("\n1\n2\n", 2).rows == [[1], [2]]


@pytest.mark.parametrize("text", ["0.1\n\n", "\n0.1\n", "\n\n", "a\n \n"])
def test_blank_lines_do_not_stand_in_for_rows_that_are_missing(text):
    with pytest.raises(EngineReplyError, match="to 2 rows"):
        decode(text, 2)


def test_line_ends_of_windows_and_a_byte_order_mark_are_read():
    assert decode("\ufeffa,1\r\nb,2\r\n", 2, fields=("x", "y")).rows == [["a", 1], ["b", 2]]
    assert decode("1,2\r\n3,4\r\n", 2, fields=("x", "y")).rows == [[1, 2], [3, 4]]
    assert decode('"a\r\nb"\r\nc\r\n', 2).rows == [["a\r\nb"], ["c"]]


def test_unicode_line_separators_are_text():
    assert decode("a\u2028b\x0bc\n", 1).rows == [["a\u2028b\x0bc"]]


def test_an_empty_body_has_no_rows():
    assert decode("", None) == Table(("prediction",), [])
    assert decode("", 0).rows == []


@pytest.mark.parametrize(("text", "n_rows"), [("", 1), ("1\n2\n3", 2), ("1,2,3", 2), ("1,2\n3,4\n5,6", 2), ("1", 0)])
def test_another_number_of_rows_is_refused(text, n_rows):
    with pytest.raises(EngineReplyError, match="rows"):
        decode(text, n_rows)


def test_ragged_lines_are_refused():
    with pytest.raises(EngineReplyError, match="Row 1"):
        decode("a,b\nc", 2)


def test_a_json_object_instead_of_csv_is_an_error_and_its_text_is_for_the_caller_alone():
    with pytest.raises(EngineReplyError) as caught:
        decode('{"error": "secret 4711"}', 1)
    assert "4711" not in caught.value.message
    assert caught.value.engine_message == '{"error": "secret 4711"}'


def test_bytes_that_are_not_utf_8_are_refused():
    with pytest.raises(EngineReplyError, match="UTF-8"):
        plugin.build(CsvSettings()).decode(Body(b"\xff", "text/csv"), 1)


def test_the_bare_type_is_claimed():
    codec = plugin.build(CsvSettings())
    assert codec.media_type == codec.encode(Table(None, [[1]])).content_type == "text/csv"


@pytest.mark.parametrize("fields", [(), ("a", "a")])
def test_fields_have_to_be_distinct_names(fields):
    with pytest.raises(ValueError, match="fields"):
        plugin.build(CsvSettings(fields=fields))
