"""nginx as the upstream: it answers every invocation with the same linear-learner prediction."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.processes import LOAD_CORE, free_port, running

ANSWER = json.dumps({"predictions": [{"score": 0.2, "predicted_label": 0}]}, separators=(",", ":"))

_CONFIGURATION = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    server {{
        listen 127.0.0.1:{port};
        location ~ ^/endpoints/[^/]+/invocations$ {{
            default_type application/json;
            return 200 '{answer}';
        }}
    }}
}}
"""


@contextmanager
def constant_upstream(folder: Path) -> Iterator[str]:
    """Run nginx on loopback until the block ends; yield its base URL."""
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, answer=ANSWER), encoding="utf-8")
    command = ["nginx", "-e", f"{folder}/nginx-error.log", "-p", str(folder), "-c", str(configuration)]
    with running(command, core=LOAD_CORE, port=port, log=folder / "nginx.log"):
        yield f"http://127.0.0.1:{port}"
