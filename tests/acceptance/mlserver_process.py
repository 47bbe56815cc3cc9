"""MLServer with its scikit-learn runtime and a repository of ours, on loopback."""

import json
import subprocess
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from tests.acceptance.environments import python_of
from tests.acceptance.server_process import announced_server

ENVIRONMENT = "mlserver"
TRAINING = Path(__file__).parent / "mlserver_models" / "train.py"
LISTENING = r"Uvicorn running on (http://127\.0\.0\.1:\d+)"
SETTINGS = {
    "host": "127.0.0.1",
    "http_port": 0,
    "grpc_port": 0,
    "metrics_endpoint": None,
    "parallel_workers": 0,
    "debug": False,
}
"""Ports of the system's choice, no metrics server, and inference in the serving process."""


def train(rows_file: Path, folder: Path) -> None:
    """Make a repository with the models `numbers` and `columns`, in the server's own environment."""
    subprocess.run([python_of(ENVIRONMENT), TRAINING, rows_file, folder], check=True)
    (folder / "settings.json").write_text(json.dumps(SETTINGS), encoding="utf-8")


def direct(folder: Path, model: str) -> list[list[Any]]:
    """Return label and class probabilities of every row, in the order of the file, predicted without any server."""
    predictions: list[list[Any]] = json.loads((folder / model / "direct.json").read_text(encoding="utf-8"))
    return predictions


def serving(folder: Path) -> AbstractAsyncContextManager[str]:
    """Serve the repository and yield the URL before `/v2`; its models are loaded then."""
    return announced_server(
        *(python_of(ENVIRONMENT).with_name("mlserver"), "start", folder),
        announcement=LISTENING,
        ready=LISTENING,
        directory=folder,
    )
