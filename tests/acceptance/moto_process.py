"""moto's server, an AWS account without anything in it, on loopback."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.acceptance.environments import python_of
from tests.acceptance.server_process import announced_server

ENVIRONMENT = "moto"
LISTENING = r"Running on (http://127\.0\.0\.1:\d+)"


def serving(directory: Path) -> AbstractAsyncContextManager[str]:
    """Serve an account and yield its URL.

    Args:
        directory: working directory of the server.
    """
    return announced_server(
        *(python_of(ENVIRONMENT).with_name("moto_server"), "-H", "127.0.0.1", "-p", "0"),
        announcement=LISTENING,
        ready=LISTENING,
        directory=directory,
    )
