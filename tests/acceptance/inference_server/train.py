"""Train a classifier on credit-risk rows, and predict them all with it. Runs in the inference server's environment.

    python train.py ROWS.csv FOLDER

writes `model.joblib`, `sample.json`, the first row, and `direct.json`, the model's own predictions in the order of the
rows. A forest predicts a row alike in any batch, to the last bit: predictions made elsewhere can be compared for
equality.
"""

import csv
import json
import sys
from pathlib import Path

import joblib
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.pipeline import make_pipeline

TARGET = "Risk"


def main(rows_file: Path, folder: Path) -> None:
    with rows_file.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = [row.pop(TARGET) for row in rows]
    features = [{name: int(cell) if cell.isdecimal() else cell for name, cell in row.items()} for row in rows]
    model = make_pipeline(DictVectorizer(), RandomForestClassifier(n_estimators=40, max_depth=12, random_state=0))
    model.fit(features, labels)
    joblib.dump(model, folder / "model.joblib")
    (folder / "sample.json").write_text(json.dumps(features[0]), encoding="utf-8")
    direct = zip(model.predict(features).tolist(), model.predict_proba(features).tolist(), strict=True)
    (folder / "direct.json").write_text(json.dumps(list(direct)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
