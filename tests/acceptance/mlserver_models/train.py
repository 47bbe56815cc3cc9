"""Train classifiers on credit-risk rows, predict them all, and make MLServer's model repository.

Runs in MLServer's environment:

    python train.py ROWS.csv FOLDER

writes two models and, beside each, `direct.json`: its own label and class probabilities of every row.

    numbers   one tensor [rows, 7] of the numeric columns, read as a NumPy array
    columns   one tensor for each of the 20 columns, read as a DataFrame

A forest predicts a row alike in any batch, to the last bit, so that predictions made elsewhere can be compared for
equality.
"""

import json
import sys
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from pandas.api.types import is_numeric_dtype
from sklearn.base import ClassifierMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

TARGET = "Risk"
OUTPUTS = [
    {"name": "predict", "datatype": "BYTES", "shape": [-1]},
    {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 2]},
]


def main(rows_file: Path, folder: Path) -> None:
    features = pd.read_csv(rows_file, keep_default_na=False)
    labels = features.pop(TARGET)
    numbers = features.select_dtypes("number").to_numpy()
    matrix = {"name": "features", "datatype": "INT64", "shape": [-1, numbers.shape[1]]}
    _save(folder / "numbers", _forest().fit(numbers, labels), numbers, inputs=[matrix], content_type="np")

    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    encoder = make_column_transformer((one_hot, make_column_selector(dtype_exclude="number")), remainder="passthrough")
    columns = make_pipeline(encoder, _forest()).fit(features, labels)
    tensors = [_tensor(features[name]) for name in features]
    _save(folder / "columns", columns, features, inputs=tensors, content_type="pd")


def _forest() -> RandomForestClassifier:
    return RandomForestClassifier(n_estimators=40, max_depth=12, random_state=0)


def _tensor(column: pd.Series) -> dict[str, Any]:
    if is_numeric_dtype(column):
        return {"name": column.name, "datatype": "INT64", "shape": [-1]}
    return {"name": column.name, "datatype": "BYTES", "shape": [-1], "parameters": {"content_type": "str"}}


def _save(folder: Path, model: ClassifierMixin, features: Any, inputs: list[dict[str, Any]], content_type: str) -> None:
    folder.mkdir()
    joblib.dump(model, folder / "model.joblib")
    direct = zip(model.predict(features).tolist(), model.predict_proba(features).tolist(), strict=True)
    (folder / "direct.json").write_text(json.dumps(list(direct)), encoding="utf-8")
    described = {
        "name": folder.name,
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib", "content_type": content_type},
        "inputs": inputs,
        "outputs": OUTPUTS,
    }
    (folder / "model-settings.json").write_text(json.dumps(described), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
