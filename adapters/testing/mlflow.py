"""An emulated scoring server of MLflow, with one model behind it.

Source: MLflow documentation, "Deploy MLflow Model as a Local Inference Server" (3.x), for routes and forms; the scoring
server's own answers for error bodies, and for 415 to content types with parameters.
"""

import csv
import hmac
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from io import StringIO

from aiohttp import web
from msgspec import Struct
from multidict import CIMultiDictProxy

from adapters.testing.azureml.models import Json, ModelFailureError, Row, credit_risk
from adapters.testing.emulator import Emulator

CONTENT_TYPES = ("application/json", "text/csv")
_REMEMBERED = 100

Model = Callable[[Sequence[Row]], Json]
"""From rows by column to what stands under `predictions`; raises ModelFailureError."""


class Call(Struct, frozen=True):
    """A request that was to be scored. Names of headers don't mind their case."""

    headers: CIMultiDictProxy[str]
    body: bytes


class MlflowEmulator(Emulator):
    """One server; its routes are `invocations`, `ping`, `health` and `version`. The last calls are in `calls`.

    Args:
        model: what it serves.
        authorization: value of the header Authorization that a proxy in front wants; None: anybody may call.
        bare: answer without `predictions`, as MLflow 1.x.
        port: to listen on; 0: a free one.
    """

    def __init__(
        self, model: Model | None = None, *, authorization: str | None = None, bare: bool = False, port: int = 0
    ) -> None:
        super().__init__(
            [
                web.post("/invocations", self._invocations, name="invocations"),
                web.get("/ping", self._up, name="ping"),
                web.get("/health", self._up, name="health"),
                web.get("/version", self._version, name="version"),
            ],
            port=port,
        )
        self._model = model or labels
        self._authorization = authorization
        self._bare = bare
        self.calls: deque[Call] = deque(maxlen=_REMEMBERED)

    async def _up(self, request: web.Request) -> web.Response:
        self._authorize(request)
        return web.Response(text="\n", content_type="application/json")

    async def _version(self, request: web.Request) -> web.Response:
        self._authorize(request)
        return web.Response(text="3.4.0")

    async def _invocations(self, request: web.Request) -> web.Response:
        self._authorize(request)
        body = await request.read()
        self.calls.append(Call(request.headers, body))
        content_type = request.headers.get("Content-Type")
        if content_type not in CONTENT_TYPES:
            return web.Response(status=415, text=f"This predictor only supports {' and '.join(CONTENT_TYPES)}.")
        try:
            predictions = self._model(read_csv(body) if content_type == "text/csv" else read_rows(body))
        except BadInputError as error:
            return _error(400, "BAD_REQUEST", str(error))
        except ModelFailureError as error:
            return _error(500, "INTERNAL_ERROR", str(error))
        return web.json_response(predictions if self._bare else {"predictions": predictions})

    def _authorize(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "")
        if self._authorization is not None and not hmac.compare_digest(given.encode(), self._authorization.encode()):
            raise web.HTTPUnauthorized(text="Unauthorized")


class BadInputError(Exception):
    """The body is not one of the forms; the message is what the server answers."""


def labels(rows: Sequence[Row]) -> Json:
    """Answer as a scikit-learn classifier: a label for each row."""
    return [credit_risk(row).label for row in rows]


def probabilities(rows: Sequence[Row]) -> Json:
    """Answer as a model that predicts probabilities: a vector for each row."""
    return [list(credit_risk(row).probabilities) for row in rows]


def frame(rows: Sequence[Row]) -> Json:
    """Answer as a pyfunc model that returns a DataFrame: an object for each row."""
    predictions = [credit_risk(row) for row in rows]
    return [{"label": prediction.label, "risk": prediction.probabilities[1]} for prediction in predictions]


def columns(rows: Sequence[Row]) -> Json:
    """Answer as a model with named outputs: an array for each of them."""
    predictions = [credit_risk(row) for row in rows]
    return {
        "label": [prediction.label for prediction in predictions],
        "risk": [prediction.probabilities[1] for prediction in predictions],
    }


def read_csv(body: bytes) -> list[Row]:
    """Read the rows of `text/csv`, whose first line has the names; what looks like a number is one, as to pandas.

    Raises:
        BadInputError: ragged rows, or none.
    """
    names, *lines = list(csv.reader(StringIO(body.decode()))) or [[]]
    if not lines or not all(len(line) == len(names) for line in lines):
        raise BadInputError("The CSV has no rows, or one of another length than its first line.")
    return [dict(zip(names, map(_parsed, line), strict=True)) for line in lines]


def read_rows(body: bytes) -> list[Row]:
    """Read the rows of a JSON body.

    Raises:
        BadInputError: not JSON, not exactly one of the forms, ragged rows, or `params` that is no object.
    """
    try:
        given = json.loads(body)
    except ValueError as error:
        raise BadInputError("The input is not JSON.") from error
    present = [form for form in _FORMS if isinstance(given, Mapping) and form in given]
    if len(present) != 1:
        raise BadInputError(f"The input must be a JSON dictionary with exactly one of the input fields {[*_FORMS]}.")
    if not isinstance(given.get("params", {}), Mapping):
        raise BadInputError("params has to be an object.")
    return _FORMS[present[0]](given[present[0]])


def _records(value: Json) -> list[Row]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise BadInputError("The input has to be a list of objects.")
    return value


def _split(value: Json) -> list[Row]:
    columns = value.get("columns") if isinstance(value, Mapping) else None
    data = value.get("data") if isinstance(value, Mapping) else None
    if not isinstance(columns, list) or not isinstance(data, list):
        raise BadInputError("dataframe_split needs columns and data.")
    if not all(isinstance(row, list) and len(row) == len(columns) for row in data):
        raise BadInputError("dataframe_split has a row of another length than columns.")
    return [dict(zip(columns, row, strict=True)) for row in data]


def _inputs(value: Json) -> list[Row]:
    names, arrays = (list(value), list(value.values())) if isinstance(value, dict) else ([], [])
    if not arrays or not all(isinstance(array, list) and len(array) == len(arrays[0]) for array in arrays):
        raise BadInputError("inputs needs an array for each column, all of the same length.")
    return [dict(zip(names, row, strict=True)) for row in zip(*arrays, strict=True)]


def _parsed(cell: str) -> Json:
    try:
        return float(cell)
    except ValueError:
        return cell or None


_FORMS: Mapping[str, Callable[[Json], list[Row]]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _records,
    "inputs": _inputs,
}


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error_code": code, "message": message}, status=status)
