"""Train a classifier on credit-risk rows, predict them all with it, and save it as MLflow models.

Runs in the environment of MLflow's server:

    python train.py ROWS.csv FOLDER

writes `direct.json`, the classifier's own label and class probabilities of every row, and one model a folder:

    labels          scikit-learn flavor: answers labels
    probabilities   pyfunc: answers a list of class probabilities a row
    frame           pyfunc: answers a DataFrame, a column for the label and one for each class

All have a signature, so that MLflow enforces the types of the columns. A forest predicts a row alike in any batch, to
the last bit, so that predictions made elsewhere can be compared for equality.
"""

import json
import sys
from pathlib import Path

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

TARGET = "Risk"


class Probabilities(mlflow.pyfunc.PythonModel):
    def __init__(self, classifier: Pipeline) -> None:
        self._classifier = classifier

    def predict(self, context: object, model_input: pd.DataFrame, params: object = None) -> np.ndarray:
        return self._classifier.predict_proba(model_input)


class Frame(mlflow.pyfunc.PythonModel):
    def __init__(self, classifier: Pipeline) -> None:
        self._classifier = classifier

    def predict(self, context: object, model_input: pd.DataFrame, params: object = None) -> pd.DataFrame:
        frame = pd.DataFrame(self._classifier.predict_proba(model_input), columns=self._classifier.classes_)
        frame.insert(0, "label", self._classifier.predict(model_input))
        return frame


def main(rows_file: Path, folder: Path) -> None:
    features = pd.read_csv(rows_file, keep_default_na=False)
    labels = features.pop(TARGET)
    classifier = _classifier().fit(features, labels)
    predictions, probabilities = classifier.predict(features), classifier.predict_proba(features)
    direct = zip(predictions.tolist(), probabilities.tolist(), strict=True)
    (folder / "direct.json").write_text(json.dumps(list(direct)), encoding="utf-8")
    pickled = {"serialization_format": "cloudpickle", "pip_requirements": []}
    mlflow.sklearn.save_model(
        classifier, folder / "labels", signature=infer_signature(features, predictions), **pickled
    )
    for model in (Probabilities(classifier), Frame(classifier)):
        mlflow.pyfunc.save_model(
            folder / type(model).__name__.lower(),
            python_model=model,
            signature=infer_signature(features, model.predict(None, features)),
            pip_requirements=[],
        )


def _classifier() -> Pipeline:
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_pipeline(
        make_column_transformer((one_hot, make_column_selector(dtype_exclude="number")), remainder="passthrough"),
        RandomForestClassifier(n_estimators=40, max_depth=12, random_state=0),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
