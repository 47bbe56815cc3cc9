import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.engines.azureml.swagger import request_form

ROW = {"type": "object", "properties": {"Age": {"type": "integer"}, "Job": {"type": "string"}}}
ROWS = {"type": "array", "items": ROW}


def document(schema, **others):
    return json.dumps({"swagger": "2.0", "definitions": {"ServiceInput": schema, **others}}).encode()


def request_columns(text):
    form = request_form(text)
    return None if form is None else form.columns


def options(text):
    return request_form(text).options


def test_a_scripts_declared_rows_name_the_columns_in_their_order():
    schema = {"type": "object", "properties": {"input": ROWS}, "example": {"input": [{"Job": "x", "Age": 1}]}}
    assert request_columns(document(schema)) == ("Age", "Job")
    assert options(document(schema)) == {"rows": {"at": "input"}}


def test_an_openapi_3_document_says_the_same():
    schemas = {"ServiceInput": {"type": "object", "properties": {"data": {"$ref": "#/components/schemas/Rows"}}}}
    text = json.dumps({"openapi": "3.0.3", "components": {"schemas": schemas | {"Rows": ROWS}}}).encode()
    assert request_columns(text) == ("Age", "Job")


def test_automl_has_rows_below_inputs_and_parameters_beside_them():
    parameters = {"type": "array", "items": {"type": "object", "properties": {"method": {"type": "string"}}}}
    inputs = {"type": "object", "properties": {"data": ROWS}}
    schema = {"type": "object", "properties": {"GlobalParameters": parameters, "Inputs": inputs}}
    assert request_columns(document(schema)) == ("Age", "Job")
    assert options(document(schema)) == {"rows": {"at": "Inputs.data"}}


def test_the_designer_gives_an_example():
    example = {"Inputs": {"input1": [{"Age": 33, "Job": "clerk"}]}, "GlobalParameters": {"x": [{"y": 1}]}}
    request = {"type": "object", "properties": {"Inputs": {"type": "object"}}, "example": example}
    text = json.dumps({"definitions": {"ExecutionRequest": request}}).encode()
    assert request_columns(text) == ("Age", "Job")
    constants = {"GlobalParameters": {"x": [{"y": 1}]}}
    assert options(text) == {"rows": {"at": "Inputs.input1", "body_constants": constants}}


def test_mlflow_gives_an_example_of_a_table():
    example = {"input_data": {"columns": ["Age", "Job"], "index": [0], "data": [[33, "clerk"]]}}
    text = document({"type": "object", "example": example})
    assert request_columns(text) == ("Age", "Job")
    assert options(text) == {"table": {"at": "input_data", "columns": "columns", "rows": "data"}}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "array", "items": ROW}, {"rows": {"at": ""}}),
        ({"properties": {"a.b": ROWS}}, {}),
        ({"example": {"columns": ["Age"]}}, {}),
        ({"type": "array", "items": ROW, "example": {"GlobalParameters": 1.0}}, {}),
    ],
)
def test_a_place_is_told_where_a_dotted_path_can_say_it(schema, expected):
    assert options(document(schema)) == expected


def test_types_of_all_columns_make_a_schema():
    properties = {
        "i": {"type": "integer", "format": "int32"},
        "l": {"type": "integer", "format": "int64"},
        "d": {"type": "number", "format": "double"},
        "b": {"type": "boolean"},
        "t": {"type": "string", "format": "date-time"},
        "s": {"$ref": "#/definitions/Text"},
    }
    rows = {"type": "array", "items": {"type": "object", "properties": properties}}
    schema = request_form(document({"properties": {"data": rows}}, Text={"type": "string"})).schema
    assert schema == {
        "type": "struct",
        "fields": [
            {"name": name, "type": kind, "nullable": True, "metadata": {}}
            for name, kind in zip(
                properties, ("integer", "long", "double", "boolean", "timestamp", "string"), strict=True
            )
        ],
    }
    properties["o"] = {"type": "object"}
    assert request_form(document({"properties": {"data": rows}}, Text={"type": "string"})).schema is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        document({}),
        document({"type": "object", "example": "sample_json_string"}),
        document(
            {"properties": {"data": {"type": "array", "items": {"type": "array"}}}, "example": {"data": [[1, 2]]}}
        ),
        document({"properties": {"input": {"$ref": "#/definitions/Itself"}}}, Itself={"$ref": "#/definitions/Itself"}),
        document({"$ref": "#/definitions/Ring"}, Ring={"properties": {"again": {"$ref": "#/definitions/Ring"}}}),
        document({"items": {"properties": {"": {}}}}),
    ],
)
def test_what_tells_no_columns_tells_none(text):
    assert request_columns(text) is None


names = st.sampled_from(["ServiceInput", "properties", "items", "example", "$ref", "definitions", "columns"])
json_values = st.recursive(
    st.none() | st.integers() | st.sampled_from(["#/definitions/ServiceInput", "", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
)


@given(json_values)
def test_any_document_is_read(value):
    columns = request_columns(json.dumps({"definitions": {"ServiceInput": value}}).encode())
    assert columns is None or (columns and all(isinstance(name, str) for name in columns))
