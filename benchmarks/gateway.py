"""The gateway with everything on: Basic auth, validation, SigV4, translation to CSV and back, a committed record."""

import base64
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from adapters.testing.credit_risk import LABELS
from benchmarks.load import Call
from benchmarks.processes import SERVER_CORE, free_port, running

ENDPOINT = "credit-linear-learner"
USER, PASSWORD = "loans-app", "for-benchmarks-only"


@contextmanager
def gateway(folder: Path, upstream: str, fields: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Run the gateway until the block ends; yield its base URL and process id."""
    port = free_port()
    file = folder / "gateway.yaml"
    file.write_text(yaml.safe_dump(_configuration(folder, upstream, fields, port)), encoding="utf-8")
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(file)]
    with running(command, core=SERVER_CORE, port=port, log=folder / "gateway.log") as pid:
        yield f"http://127.0.0.1:{port}", pid


def scoring_call(base_url: str, body_file: Path, fields: Sequence[str], values: Sequence[Sequence[object]]) -> Call:
    """Write the body of a scoring request to a file and return the call that sends it."""
    body_file.write_text(json.dumps({"fields": fields, "values": values}), encoding="utf-8")
    credential = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    url = f"{base_url}/v1/deployments/credit-risk/online"
    return Call(url, body_file, "application/json", f"Basic {credential}")


def _configuration(folder: Path, upstream: str, fields: Sequence[str], port: int) -> dict[str, object]:
    return {
        "server": {"port": port},
        "auth": {"clients": {USER: {"password": PASSWORD, "role": "application"}}},
        "engines": {
            "aws": {
                "type": "sagemaker",
                "region": "us-east-1",
                "endpoint_url": upstream,
                "credentials": {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "for-benchmarks-only"},
                "discover": False,
                "endpoints": {ENDPOINT: {}},
            }
        },
        "deployments": {
            "credit-risk": {
                "engine": "aws",
                "endpoint": ENDPOINT,
                "format": "sagemaker-linear-learner",
                "request": {"cells": "any"},
                "input": {"fields": list(fields)},
                "output": {
                    "prediction": "predicted_label",
                    "prediction_is": "index",
                    "probability": "score",
                    "probability_of": "positive",
                    "labels": list(LABELS),
                },
            }
        },
        "payload_log": {"path": str(folder / "payloads.db"), "durability": "commit"},
    }
