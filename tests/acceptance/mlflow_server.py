"""MLflow's scoring server, with a model of ours behind it, on loopback."""

import json
import subprocess
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.acceptance.environments import python_of
from tests.acceptance.server_process import announced_server

ENVIRONMENT = "mlflow"
TRAINING = Path(__file__).parent / "mlflow_models" / "train.py"
LISTENING = r"Uvicorn running on (http://127\.0\.0\.1:\d+)"


class MlflowModels(Struct, frozen=True):
    """A classifier on disk as several MLflow models, and what it says itself.

    Attributes:
        folder: holds the models `labels`, `probabilities` and `frame`: see `mlflow_models/train.py`.
        direct: label and class probabilities of every row, in the order of the file, predicted without any server.
    """

    folder: Path
    direct: list[list[Any]]


def train(rows_file: Path, folder: Path) -> MlflowModels:
    """Train the classifier on a CSV file with the target `Risk`, in the server's own environment."""
    subprocess.run([python_of(ENVIRONMENT), TRAINING, rows_file, folder], check=True)
    return MlflowModels(folder, json.loads((folder / "direct.json").read_text(encoding="utf-8")))


def serving(models: MlflowModels, name: str) -> AbstractAsyncContextManager[str]:
    """Serve one of the models, and yield the URL before `/invocations`.

    `mlflow models serve` can't listen on a free port of the system's choice; this is what it runs.
    """
    return announced_server(
        *(python_of(ENVIRONMENT), "-m", "uvicorn", "--host", "127.0.0.1", "--port", "0", "--no-access-log"),
        "mlflow.pyfunc.scoring_server.app:app",
        announcement=LISTENING,
        ready=LISTENING,
        directory=models.folder,
        environ={"__pyfunc_model_path__": str(models.folder / name)},
    )
