import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from gateway.importing import load_within


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def entry_point(folder: Path, module: str, text: str) -> EntryPoint:
    (folder / f"{module}.py").write_text(text)
    return EntryPoint(name="it", value=f"{module}:plugin", group="openscale_gateway.engines")


@contextmanager
def gate(folder: Path) -> Iterator[Path]:
    """Yield a file that nobody has written to: who reads it waits, until the end of the block."""
    path = folder / "gate"
    os.mkfifo(path)
    yield path
    path.write_text("")


def test_what_the_entry_point_names_is_returned(folder: Path) -> None:
    assert load_within(entry_point(folder, "imported_well", "plugin = [1]"), 10) == [1]


@pytest.mark.parametrize("error", ["SystemExit(3)", "KeyboardInterrupt()", "OSError('disk')"])
def test_what_the_module_raises_is_raised(folder: Path, error: str) -> None:
    module = f"imported_badly_{error.partition('(')[0].lower()}"
    with pytest.raises((SystemExit, KeyboardInterrupt, OSError)) as caught:
        load_within(entry_point(folder, module, f"raise {error}"), 10)
    assert repr(caught.value) == repr(eval(error))  # noqa: S307 - of the list above


def test_a_module_that_waits_is_left_behind(folder: Path) -> None:
    with gate(folder) as path:
        waiting = entry_point(
            folder, "imported_never", f"import pathlib\nplugin = pathlib.Path({str(path)!r}).read_text()"
        )
        with pytest.raises(TimeoutError, match=r"^its import did not end within 0\.2 s$"):
            load_within(waiting, 0.2)


def test_a_timeout_of_the_modules_own_stays_its_own(folder: Path) -> None:
    with pytest.raises(TimeoutError, match=r"^the server of the plugin$"):
        load_within(entry_point(folder, "imported_late", "raise TimeoutError('the server of the plugin')"), 10)
