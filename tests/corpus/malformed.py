"""Bodies that are no scoring requests, by hand: name, body, and the status and place that they are refused with."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import json


class Malformed(NamedTuple):
    """`target` is None where there is no place, or where the place depends on the JSON decoder."""

    name: str
    body: bytes
    status: int = 400
    target: str | None = None


VALUES_OF_OTHER_TYPES: dict[str, Any] = {
    "null": None,
    "true": True,
    "integer": 7,
    "float": 1.5,
    "string": "x",
    "empty string": "",
    "object": {"a": 1},
    "empty object": {},
}
ARRAY = {"array": [1], "empty array": []}


def corpus() -> list[Malformed]:
    """Return all of them."""
    return [
        *_not_utf8(),
        *_not_json(),
        *_cut_short(),
        *_wrong_types(),
        *_ragged(),
        *_names(),
        *_wrapped(),
        *_meta(),
        *_numbers(),
        *_nested(),
    ]


def _not_utf8() -> Iterator[Malformed]:
    for name, text in {
        "stray continuation": b"\x80",
        "ff": b"\xff",
        "overlong slash": b"\xc0\xaf",
        "encoded surrogate": b"\xed\xa0\x80",
        "beyond unicode": b"\xf4\x90\x80\x80",
        "half a character": b"\xe2\x82",
        "latin-1": b"\xe9t\xe9",
    }.items():
        yield Malformed(f"{name} in a cell", b'{"fields":["a"],"values":[["' + text + b'"]]}')
        yield Malformed(f"{name} in a column name", b'{"fields":["' + text + b'"],"values":[["x"]]}')
        yield Malformed(f"{name} below an unknown name", b'{"values":[[1]],"note":"' + text + b'"}')
        yield Malformed(f"{name} in an unknown name", b'{"values":[[1]],"' + text + b'":1}')
    yield Malformed("byte order mark", b'\xef\xbb\xbf{"values":[[1]]}')
    for codec in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        yield Malformed(codec, '{"values":[["é"]]}'.encode(codec))


def _not_json() -> Iterator[Malformed]:
    texts = {
        "empty": b"",
        "blanks": b" \n\t ",
        "NUL": b"\x00",
        "form": b"fields=a&values=1",
        "CSV": b"a,b\n1,2\n",
        "XML": b"<values/>",
        "YAML": b"values:\n- [1]\n",
        "single quotes": b"{'values': [[1]]}",
        "bare names": b"{values: [[1]]}",
        "trailing comma in a row": b'{"values":[[1,]]}',
        "trailing comma in the rows": b'{"values":[[1],]}',
        "trailing comma in the object": b'{"values":[[1]],}',
        "leading comma": b'{"values":[[,1]]}',
        "two commas": b'{"values":[[1,,2]]}',
        "no comma": b'{"values":[[1 2]]}',
        "no colon": b'{"values" [[1]]}',
        "comment": b'{"values":[[1]] /* one */}',
        "line comment": b'{"values":[[1]]} // one',
        "two bodies": b'{"values":[[1]]}{"values":[[1]]}',
        "two lines": b'{"values":[[1]]}\n{"values":[[1]]}',
        "text after": b'{"values":[[1]]} x',
        "NUL after": b'{"values":[[1]]}\x00',
        "bracket after": b'{"values":[[1]]}]',
        "crossed brackets": b'{"values":[[1}]]',
        "vertical tab before": b'\x0b{"values":[[1]]}',
        "no-break space before": b'\xc2\xa0{"values":[[1]]}',
        "raw newline in a cell": b'{"values":[["a\nb"]]}',
        "raw tab in a cell": b'{"values":[["a\tb"]]}',
        "raw NUL in a cell": b'{"values":[["a\x00b"]]}',
        "raw control character in a name": b'{"fields":["a\x1f"],"values":[[1]]}',
        "raw control character below an unknown name": b'{"values":[[1]],"note":"\x01"}',
        "unknown escape": b'{"values":[["\\q"]]}',
        "hexadecimal escape": b'{"values":[["\\x41"]]}',
        "short escape": b'{"values":[["\\u12"]]}',
        "escape of no digits": b'{"values":[["\\uzzzz"]]}',
        "lone high surrogate": b'{"values":[["\\ud800"]]}',
        "lone low surrogate": b'{"values":[["\\udc00"]]}',
        "two high surrogates": b'{"values":[["\\ud800\\ud800"]]}',
        "lone surrogate before text": b'{"values":[["\\ud800 and more text"]]}',
        "unclosed string": b'{"values":[["a]]}',
        "capital true": b'{"values":[[True]]}',
        "Python's None": b'{"values":[[None]]}',
        "short true": b'{"values":[[tru]]}',
        "undefined": b'{"values":[[undefined]]}',
        "number as a name": b'{"values":[[{1:2}]]}',
        "name without a value": b'{"values":[[{"a"}]]}',
        "base64": b"eyJ2YWx1ZXMiOltbMV1dfQ==",
        "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    }
    return (Malformed(name, text) for name, text in texts.items())


def _cut_short() -> Iterator[Malformed]:
    whole = b'{"fields":["a","b"],"values":[[1,"x"],[null,2.5e3]],"meta":{"fields":["m"],"values":[[true],[false]]}}'
    return (Malformed(f"cut after {end} bytes", whole[:end]) for end in range(1, len(whole), 2))


def _wrong_types() -> Iterator[Malformed]:
    scalars = {name: value for name, value in VALUES_OF_OTHER_TYPES.items() if not isinstance(value, dict)}
    for name, value in {**scalars, **ARRAY}.items():
        yield Malformed(f"{name} as the body", json.encode(value))
    for name, value in VALUES_OF_OTHER_TYPES.items():
        yield _encoded(f"{name} as values", {"fields": ["a"], "values": value}, "values")
        yield _encoded(f"{name} as a row", {"fields": ["a"], "values": [[1], value]}, "values[1]")
        yield _encoded(f"{name} as fields", {"fields": value, "values": [[1]]}, "fields")
        yield _encoded(f"{name} as input_data", {"input_data": value}, "input_data")
        element = {"fields": ["a"], "values": [[1]]}
        yield _encoded(
            f"{name} as rows of an element", {"input_data": [element, {"values": value}]}, "input_data[1].values"
        )
    for name, value in {**VALUES_OF_OTHER_TYPES, **ARRAY}.items():
        if not isinstance(value, str):
            yield _encoded(f"{name} as a column name", {"fields": ["a", value], "values": [[1, 2]]}, "fields[1]")
        if not isinstance(value, dict):
            yield _encoded(f"{name} as meta", {"values": [[1]], "meta": value}, "meta")
            yield _encoded(f"{name} as an element", {"input_data": [value]}, "input_data[0]")


def _ragged() -> Iterator[Malformed]:
    yield _encoded("first row short", {"fields": ["a", "b"], "values": [[1], [1, 2]]}, "values[0]")
    yield _encoded("second row short", {"fields": ["a", "b"], "values": [[1, 2], [1]]}, "values[1]")
    yield _encoded("second row long", {"fields": ["a", "b"], "values": [[1, 2], [1, 2, 3]]}, "values[1]")
    rows = [[1, 2] for _ in range(20)]
    yield _encoded("row 17 empty", {"fields": ["a", "b"], "values": [*rows[:17], [], *rows[17:]]}, "values[17]")
    yield _encoded("last of 5,000 rows long", {"fields": ["a"], "values": [[1]] * 4999 + [[1, 2]]}, "values[4999]")
    yield _encoded("unnamed rows of two lengths", {"values": [[1, 2], [1, 2], [1]]}, "values[2]")
    yield _encoded("unnamed row without cells", {"values": [[]]}, "values[0]")
    yield _encoded("unnamed rows without cells", {"values": [[], []]}, "values[0]")
    yield _encoded("named row without cells", {"fields": ["a"], "values": [[]]}, "values[0]")
    yield _encoded("one flat row", {"fields": ["a", "b"], "values": [1, 2]}, "values[0]")
    yield _encoded("columns instead of rows", {"fields": ["a"], "values": {"a": [1]}}, "values")
    yield _encoded("rows as objects", {"fields": ["a"], "values": [{"a": 1}]}, "values[0]")


def _names() -> Iterator[Malformed]:
    yield _encoded("no values", {"fields": ["a"]}, "values")
    yield _encoded("nothing", {}, "values")
    yield _encoded("value instead of values", {"fields": ["a"], "value": [[1]]}, "values")
    yield _encoded("capitals", {"Fields": ["a"], "Values": [[1]]}, "values")
    yield _encoded("no names", {"fields": [], "values": [[1]]}, "fields")
    yield _encoded("no names and no rows", {"fields": [], "values": []}, "fields")
    yield _encoded("no names and an empty row", {"fields": [], "values": [[]]}, "fields")
    yield _encoded("a name twice", {"fields": ["a", "a"], "values": [[1, 2]]}, "fields[1]")
    yield _encoded("the empty name twice", {"fields": ["", "b", ""], "values": [[1, 2, 3]]}, "fields[2]")
    yield _encoded("a name twice without rows", {"fields": ["a", "b", "a"], "values": []}, "fields[2]")
    yield _encoded(
        "many names, the last twice", {"fields": [str(k) for k in range(5000)] + ["7"], "values": []}, "fields[5000]"
    )
    yield Malformed("a name twice, once escaped", b'{"fields":["a","\\u0061"],"values":[[1,2]]}', 400, "fields[1]")
    yield Malformed("values twice, the first wrong", b'{"values":1,"values":[[1]]}', 400, "values")
    yield Malformed("values twice, the last wrong", b'{"values":[[1]],"values":1}', 400, "values")
    yield _encoded("a native SageMaker body", {"instances": [[1]]}, "values")
    yield _encoded("a native Azure body", {"input": [{"a": 1}]}, "values")
    yield _encoded("a data frame", {"dataframe_split": {"columns": ["a"], "data": [[1]]}}, "values")


def _wrapped() -> Iterator[Malformed]:
    element = {"fields": ["a"], "values": [[1]]}
    yield _encoded("no elements", {"input_data": []}, "input_data")
    yield _encoded("values beside input_data", {"input_data": [element], "values": [[1]]}, "values")
    yield _encoded("fields beside input_data", {"input_data": [element], "fields": ["a"]}, "fields")
    yield _encoded("meta beside input_data", {"input_data": [element], "meta": element}, "meta")
    yield _encoded("an element without values", {"input_data": [element, {"fields": ["a"]}]}, "input_data[1]")
    yield _encoded("an element without names", {"input_data": [{"fields": [], "values": []}]}, "input_data[0].fields")
    yield _encoded(
        "a ragged element",
        {"input_data": [element, {"fields": ["a"], "values": [[1], [1, 2]]}]},
        "input_data[1].values[1]",
    )
    yield _encoded(
        "an element with a name twice",
        {"input_data": [element, {"fields": ["a", "a"], "values": []}]},
        "input_data[1].fields[1]",
    )
    yield _encoded(
        "unnamed elements of two widths",
        {"input_data": [{"values": []}, {"values": [[1, 2]]}, {"values": [[1]]}]},
        "input_data[2].values[0]",
    )
    yield _encoded("wrapped twice", {"input_data": [{"input_data": [element]}]}, "input_data[0]")
    for name, other in {
        "other fields": {"fields": ["b"], "values": [[1]]},
        "more fields": {"fields": ["a", "b"], "values": [[1, 2]]},
        "no fields": {"values": [[1]]},
    }.items():
        yield _encoded(f"elements with {name}", {"input_data": [element, other]}, "input_data[1].fields", 422)
    yield _encoded(
        "elements with fields in another order",
        {"input_data": [{"fields": ["a", "b"], "values": [[1, 2]]}, {"fields": ["b", "a"], "values": [[1, 2]]}]},
        "input_data[1].fields",
        422,
    )
    yield _encoded(
        "elements of which one has meta",
        {"input_data": [element, {**element, "meta": {"fields": ["m"], "values": [[1]]}}]},
        "input_data[1].meta.fields",
        422,
    )


def _meta() -> Iterator[Malformed]:
    for name, meta, target in (
        ("without fields", {"values": [[1]]}, "meta"),
        ("without values", {"fields": ["m"]}, "meta"),
        ("empty", {}, "meta"),
        ("with no names", {"fields": [], "values": [[1]]}, "meta.fields"),
        ("with a name twice", {"fields": ["m", "m"], "values": [[1, 2]]}, "meta.fields[1]"),
        ("with a short row", {"fields": ["m", "n"], "values": [[1]]}, "meta.values[0]"),
        ("with an empty row", {"fields": ["m"], "values": [[]]}, "meta.values[0]"),
        ("with a flat row", {"fields": ["m"], "values": [1]}, "meta.values[0]"),
        ("with a number as a name", {"fields": [1], "values": [[1]]}, "meta.fields[0]"),
        ("with no rows", {"fields": ["m"], "values": []}, "meta.values"),
        ("with too many rows", {"fields": ["m"], "values": [[1], [2]]}, "meta.values"),
    ):
        yield _encoded(f"meta {name}", {"fields": ["a"], "values": [[1]], "meta": meta}, target)
        wrapped = {"input_data": [{"fields": ["a"], "values": [[1]], "meta": meta}]}
        yield _encoded(f"meta {name}, wrapped", wrapped, f"input_data[0].{target}")


def _numbers() -> Iterator[Malformed]:
    texts = {
        "NaN": "NaN",
        "Infinity": "Infinity",
        "-Infinity": "-Infinity",
        "nan": "nan",
        "leading zero": "01",
        "leading plus": "+1",
        "leading dot": ".5",
        "trailing dot": "1.",
        "minus alone": "-",
        "two minus signs": "--1",
        "exponent without digits": "1e",
        "two dots": "1.2.3",
        "comma as a dot and an underscore": "1_000",
        "hexadecimal": "0x10",
        "beyond a double": "1e400",
        "far beyond a double": "-1e999999999",
        "400 digits and a dot": "9" * 400 + ".0",
        "5,000 digits": "9" * 5000,
    }
    for name, text in texts.items():
        yield Malformed(f"{name} as a cell", f'{{"values":[[1],[{text}]]}}'.encode())
        yield Malformed(f"{name} in a vector", f'{{"values":[[[{text}]]]}}'.encode())


def _nested() -> Iterator[Malformed]:
    for levels in (65, 500, 950, 1_000, 5_000, 100_000):
        opened, closed = b"[" * levels, b"]" * levels
        yield Malformed(f"{levels} arrays", opened + closed)
        yield Malformed(f"{levels} arrays in a cell", b'{"values":[[' + opened + closed + b"]]}")
        yield Malformed(f"{levels} arrays below an unknown name", b'{"values":[[1]],"x":' + opened + closed + b"}")
        yield Malformed(f"{levels} open arrays", b'{"values":' + opened)
        objects = b'{"a":' * levels + b"1" + b"}" * levels
        yield Malformed(f"{levels} objects in a cell", b'{"values":[[' + objects + b"]]}")
    rows = b"[1]," * 1000
    yield Malformed("the last row too deep", b'{"values":[' + rows + b"[" * 63 + b"]" * 63 + b"]}")


def _encoded(name: str, body: object, target: str, status: int = 400) -> Malformed:
    return Malformed(name, json.encode(body), status, target)
