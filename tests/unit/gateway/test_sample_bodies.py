"""What codecs write for a row that is made up."""

from typing import Any

import pytest

from adapters.base import Body, Format
from gateway.sample_bodies import names_columns, sample_body
from schemas.configuration import DeploymentSettings
from schemas.errors import UnprocessableRequestError
from schemas.table import Table
from tests.fakes.gateways import registry


def codec(**options: Any) -> Format:
    written, _ = registry().compile_formats(DeploymentSettings(request=options, response={"format": "rows"}))
    return written


@pytest.mark.parametrize(
    "options",
    [
        {"format": "csv", "header": True},
        {"format": "jsonlines"},
        {"format": "rows"},
        {"format": "rows", "row": "columns", "at": "inputs"},
        {"format": "table"},
        {"format": "table", "cells": "text"},
        {"format": "tensors"},
    ],
)
def test_bodies_with_the_names_of_their_columns_are_known(options: dict[str, Any]) -> None:
    assert names_columns(codec(**options))


@pytest.mark.parametrize(
    "options",
    [
        {"format": "csv"},
        {"format": "csv", "cells": "numbers", "fields": ["a"]},
        {"format": "jsonlines", "row": "array"},
        {"format": "jsonlines", "row": "features"},
        {"format": "rows", "row": "array", "at": "instances"},
        {"format": "rows", "row": "data"},
        {"format": "rows", "row": "value"},
        {"format": "tensors", "tensor": "x"},
        {"format": "tensors", "tensor": "x", "datatypes": {"x": "BYTES"}},
        {"format": "tensors", "tensor": "x", "datatypes": {"x": "BOOL"}},
    ],
)
def test_bodies_without_names_are_known(options: dict[str, Any]) -> None:
    assert not names_columns(codec(**options))


class Picky:
    """A codec for a single column that it knows."""

    media_type = "text/plain"

    def encode(self, table: Table) -> Body:
        if table.columns != ("Age",):
            raise UnprocessableRequestError("No such column.")
        return Body(b"1", self.media_type)

    def decode(self, body: Body, n_rows: int | None) -> Table:
        return Table(("Age",), [[1]])


def test_a_codec_that_takes_no_made_up_row_counts_as_one_without_names() -> None:
    assert not names_columns(Picky())
    assert sample_body(Picky(), ("Name",)) is None
    assert sample_body(Picky(), ("Age",)) == Body(b"1", "text/plain")
