"""Configurations as pages and deploy/ show them, loaded on a machine that has nothing of what they name."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gateway.config import Configuration, load
from tests.fakes.gateways import registry

_VARIABLE = re.compile(r"\$\{([A-Z_]+)\}")
_SECRET_FILE = re.compile(r"\$\{file:[^}]*/([^}/]+)\}")
_FORMED = {"WEBHOOK_SECRET": "whsec_Y29udHJhY3QtY29udHJhY3QtY29udHJhY3Q="}
"""Values of variables that can't be anything."""


def load_example(tree: Mapping[str, Any], folder: Path) -> Configuration:
    """Load a configuration whose variables are set, whose secrets lie in `folder`, and so does its spool.

    Raises:
        ConfigurationError: with every mistake.
    """
    payload_log = tree.get("payload_log", {}) | {"path": str(folder / "payloads.db")}
    text = yaml.safe_dump({**tree, "payload_log": payload_log}, sort_keys=False)
    for name in _SECRET_FILE.findall(text):
        (folder / name).write_text(f"of-{name}", encoding="utf-8")
    text = _SECRET_FILE.sub(lambda secret: f"${{file:{folder}/{secret[1]}}}", text)
    file = folder / "gateway.yaml"
    file.write_text(text, encoding="utf-8")
    environ = {name: _FORMED.get(name, f"of-{name}") for name in _VARIABLE.findall(text)}
    return load(file, registry(), environ)
