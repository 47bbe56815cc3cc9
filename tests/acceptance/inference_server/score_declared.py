"""A scoring script that declares what it takes, as those of AutoML do, so that its server publishes swagger.json.

`DECLARED` chooses the form of a request: `records` (`{"data": [{"Age": 33, ...}]}`), `split` (`{"data": {"columns":
[...], "data": [[...]]}}`), or `automl` (`{"Inputs": {"data": [{...}]}, "GlobalParameters": {"method": ...}}`).
"""

import json
import os
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

FOLDER = Path(os.environ["AZUREML_MODEL_DIR"])
DECLARED = os.environ["DECLARED"]
SAMPLE = pd.DataFrame([json.loads((FOLDER / "sample.json").read_text(encoding="utf-8"))])
ANSWER = StandardPythonParameterType({"Results": [{"Scored Labels": "", "Scored Probabilities": [0.5]}]})

model: Any = None


def init() -> None:
    global model  # noqa: PLW0603 - the server's contract: init() loads what run() uses
    model = joblib.load(FOLDER / "model.joblib")


def predict(rows: pd.DataFrame) -> dict[str, Any]:
    features = rows.to_dict("records")
    labels, probabilities = model.predict(features).tolist(), model.predict_proba(features).tolist()
    results = [
        {"Scored Labels": label, "Scored Probabilities": probability}
        for label, probability in zip(labels, probabilities, strict=True)
    ]
    return {"Results": results}


if DECLARED == "automl":

    @input_schema("GlobalParameters", StandardPythonParameterType({"method": "predict_both"}))
    @input_schema("Inputs", StandardPythonParameterType({"data": PandasParameterType(SAMPLE)}))
    @output_schema(ANSWER)
    def run(Inputs: dict[str, pd.DataFrame], GlobalParameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        if GlobalParameters != {"method": "predict_both"}:
            raise ValueError("Another method is asked for than swagger.json names.")
        return predict(Inputs["data"])

else:

    @input_schema("data", PandasParameterType(SAMPLE, orient=DECLARED))
    @output_schema(ANSWER)
    def run(data: pd.DataFrame) -> dict[str, Any]:
        return predict(data)
