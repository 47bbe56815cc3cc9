"""Every codec passes the conformance kit, in each form of its rows. To add one: a case, and a class here."""

import sys

from adapters.testing.conformance import FormatConformance
from gateway.registry import Registry
from tests.contract.formats import cases


class TestRowsOfObjects(FormatConformance):
    case = cases.ROWS_OBJECT


class TestRowsOfArrays(FormatConformance):
    case = cases.ROWS_ARRAY


class TestRowsOfFeatures(FormatConformance):
    case = cases.ROWS_FEATURES


class TestRowsOfData(FormatConformance):
    case = cases.ROWS_DATA


class TestRowsOfValues(FormatConformance):
    case = cases.ROWS_VALUE


class TestRowsAsColumns(FormatConformance):
    case = cases.ROWS_COLUMNS


class TestJsonLinesOfObjects(FormatConformance):
    case = cases.JSON_LINES_OBJECT


class TestJsonLinesOfArrays(FormatConformance):
    case = cases.JSON_LINES_ARRAY


class TestJsonLinesOfFeatures(FormatConformance):
    case = cases.JSON_LINES_FEATURES


class TestJsonLinesOfData(FormatConformance):
    case = cases.JSON_LINES_DATA


class TestJsonLinesOfValues(FormatConformance):
    case = cases.JSON_LINES_VALUE


class TestTableOfFieldsAndValues(FormatConformance):
    case = cases.TABLE_FIELDS


class TestTableInAnArray(FormatConformance):
    case = cases.TABLE_WML


class TestTableOfColumnsAndData(FormatConformance):
    case = cases.TABLE_MLFLOW


class TestTableOfStrings(FormatConformance):
    case = cases.TABLE_STUDIO


class TestCsv(FormatConformance):
    case = cases.CSV_PLAIN


class TestCsvWithHeader(FormatConformance):
    case = cases.CSV_HEADER


class TestCsvOfNumbers(FormatConformance):
    case = cases.CSV_OF_NUMBERS


class TestTensorOfEachColumn(FormatConformance):
    case = cases.TENSORS_COLUMNS


class TestFlatTensorOfEachColumn(FormatConformance):
    case = cases.TENSORS_FLAT_COLUMNS


class TestTensorsOfDatatypes(FormatConformance):
    case = cases.TENSORS_TYPED


class TestTensorsOfSmallFloats(FormatConformance):
    case = cases.TENSORS_SMALL_FLOATS


class TestTensorOfAllColumns(FormatConformance):
    case = cases.TENSORS_MATRIX


def test_every_codec_is_under_contract() -> None:
    suites = [item for name, item in vars(sys.modules[__name__]).items() if name.startswith("Test")]
    assert {suite.case.plugin.kind for suite in suites} == set(Registry.load().formats)
