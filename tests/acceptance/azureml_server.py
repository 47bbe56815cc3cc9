"""Microsoft's inference server for Azure ML, with a model of ours behind it, on loopback."""

import json
import subprocess
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.acceptance.environments import python_of
from tests.acceptance.server_process import announced_server

ENVIRONMENT = "azureml-server"
SCRIPTS = Path(__file__).parent / "inference_server"


class TrainedModel(Struct, frozen=True):
    """A model on disk, and what it says itself.

    Attributes:
        folder: holds `model.joblib`, and `sample.json` with its first row.
        direct: label and class probabilities of every row, in the order of the file, predicted without any server.
    """

    folder: Path
    direct: list[list[Any]]


def train(rows_file: Path, folder: Path) -> TrainedModel:
    """Train the model on a CSV file with the target `Risk`, in the server's own environment."""
    subprocess.run([python_of(ENVIRONMENT), SCRIPTS / "train.py", rows_file, folder], check=True)
    return TrainedModel(folder, json.loads((folder / "direct.json").read_text(encoding="utf-8")))


def serving(model: TrainedModel, script: str, **environ: str) -> AbstractAsyncContextManager[str]:
    """Serve the model and yield the URL before `/score`.

    The package's own command listens on all interfaces; its WSGI application runs under the same gunicorn on loopback.

    Args:
        model: to serve.
        script: of `inference_server`, that answers with it.
        environ: what the script is told by the environment.
    """
    return announced_server(
        *(python_of(ENVIRONMENT), "-m", "gunicorn", "--bind", "127.0.0.1:0"),
        *("--workers", "1", "--timeout", "60", "--no-control-socket"),
        "azureml_inference_server_http.server.entry:app",
        announcement=r"Listening at: (http://127\.0\.0\.1:\d+)",
        ready="ready for serving traffic",
        directory=model.folder,
        environ={
            "AML_APP_ROOT": str(SCRIPTS),
            "AZUREML_ENTRY_SCRIPT": script,
            "AZUREML_MODEL_DIR": str(model.folder),
            **environ,
        },
    )
