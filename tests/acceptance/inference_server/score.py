"""The scoring script, in the form of IBM's samples: `{"input": [rows]}` in, `{"output": [rows]}` out.

With `ANSWER=text` the answer is serialised here, and once more by the server: the double encoding of many scripts.
"""

import json
import os
from pathlib import Path
from typing import Any

import joblib

model: Any = None


def init() -> None:
    global model  # noqa: PLW0603 - the server's contract: init() loads what run() uses
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "model.joblib")


def run(body: str) -> dict[str, Any] | str:
    rows = json.loads(body)["input"]
    labels, probabilities = model.predict(rows).tolist(), model.predict_proba(rows).tolist()
    output = [
        {"Scored Labels": label, "Scored Probabilities": probability}
        for label, probability in zip(labels, probabilities, strict=True)
    ]
    answer = {"output": output}
    return json.dumps(answer) if os.environ.get("ANSWER") == "text" else answer
