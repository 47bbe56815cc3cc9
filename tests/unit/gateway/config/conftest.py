from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gateway.config import Configuration, load
from gateway.registry import Registry
from schemas.errors import ConfigurationError
from tests.plugin_distributions import EXAMPLE, write_distribution

Load = Callable[..., Configuration]
Problems = Callable[..., list[str]]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder = tmp_path_factory.mktemp("plugins")
    write_distribution(folder, "example-plugins", EXAMPLE)
    write_distribution(folder, "bad-plugins", {"engines": {"absent": "no_such_module_of_anybody:plugin"}})
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        return Registry.load()


@pytest.fixture
def load_text(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a text as `c.yaml` of the working directory, which is empty but for it."""
    monkeypatch.chdir(tmp_path)

    def load_it(text: str | bytes, environ: Mapping[str, str] | None = None) -> Configuration:
        path = tmp_path / "c.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load("c.yaml", registry, environ or {})

    return load_it


@pytest.fixture
def problems(load_text: Load) -> Problems:
    """Return the lines that a text is refused with; none if it is accepted."""

    def problems_of(text: str | bytes, environ: Mapping[str, str] | None = None) -> list[str]:
        try:
            load_text(text, environ)
        except ConfigurationError as error:
            return list(error.problems)
        return []

    return problems_of
