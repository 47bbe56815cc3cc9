"""Microsoft's inference server for Azure ML, with a model of ours behind it, on loopback."""

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from tests.acceptance.environments import python_of

ENVIRONMENT = "azureml-server"
SCRIPTS = Path(__file__).parent / "inference_server"
START_SECONDS = 60.0


class TrainedModel(Struct, frozen=True):
    """A model on disk, and what it says itself.

    Attributes:
        folder: holds `model.joblib`.
        direct: label and class probabilities of every row, in the order of the file, predicted without any server.
    """

    folder: Path
    direct: list[list[Any]]


def train(rows_file: Path, folder: Path) -> TrainedModel:
    """Train the model on a CSV file with the target `Risk`, in the server's own environment."""
    subprocess.run([python_of(ENVIRONMENT), SCRIPTS / "train.py", rows_file, folder], check=True)
    return TrainedModel(folder, json.loads((folder / "direct.json").read_text(encoding="utf-8")))


@asynccontextmanager
async def serving(model: TrainedModel, answer: Literal["json", "text"]) -> AsyncIterator[str]:
    """Serve the model and yield its scoring URL.

    The package's own command listens on all interfaces; its WSGI application runs under the same gunicorn on loopback.

    Args:
        model: to serve.
        answer: text: the script serialises its answer itself, so that it arrives encoded twice.
    """
    process = await asyncio.create_subprocess_exec(
        python_of(ENVIRONMENT),
        *("-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "1", "--timeout", "60", "--no-control-socket"),
        "azureml_inference_server_http.server.entry:app",
        cwd=model.folder,
        env={
            **os.environ,
            "AML_APP_ROOT": str(SCRIPTS),
            "AZUREML_ENTRY_SCRIPT": "score.py",
            "AZUREML_MODEL_DIR": str(model.folder),
            "ANSWER": answer,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    drain = None
    try:
        async with asyncio.timeout(START_SECONDS):
            url = await _announced_url(process)
        drain = asyncio.create_task(_drain(process))
        yield f"{url}/score"
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if drain is not None:
            await drain


async def _announced_url(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    said = []
    url = None
    async for line in process.stdout:
        said.append(line.decode(errors="replace"))
        url = url or re.search(r"Listening at: (http://127\.0\.0\.1:\d+)", said[-1])
        if url is not None and "ready for serving traffic" in said[-1]:
            return url[1]
    raise AssertionError(f"The inference server ended before it served:\n{''.join(said)}")


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    while await process.stdout.read(2**16):
        pass
