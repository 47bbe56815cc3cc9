import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from gateway import importing
from gateway.importing import Imported, import_all


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


def test_what_the_entry_points_name_is_returned_in_their_order(folder: Path) -> None:
    one = entry_point(folder, "imported_one", "plugin = [1]")
    two = entry_point(folder, "imported_two", "plugin = [2]")
    assert import_all([two, one, two], 10) == [Imported([2]), Imported([1]), Imported([2])]


def test_nothing_to_import_is_no_wait() -> None:
    assert import_all([], 10) == []


@pytest.mark.parametrize(
    "raising",
    [
        "raise SystemExit(3)",
        "raise KeyboardInterrupt()",
        "raise OSError('disk')",
        "class PanicException(BaseException): pass\nraise PanicException('rust')",
    ],
)
def test_whatever_a_module_raises_is_kept_beside_what_the_others_name(folder: Path, raising: str) -> None:
    bad = entry_point(folder, f"imported_badly_{abs(hash(raising))}", raising)
    good = entry_point(folder, "imported_well", "plugin = 1")
    failed, imported = import_all([bad, good], 10)
    assert type(failed.fault).__name__ in raising
    assert imported == Imported(1)


def test_modules_that_wait_are_left_behind_together(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "PATIENCE_SECONDS", 0.05)
    with gate(folder) as path:
        wait = f"import pathlib\npathlib.Path({str(path)!r}).read_text()\nplugin = 1"
        names = [f"imported_never_{n}" for n in range(4)]
        waiting = [entry_point(folder, name, wait) for name in names]
        begun = time.monotonic()
        *late, good = import_all([*waiting, entry_point(folder, "imported_after", "plugin = 2")], 0.5)
        assert time.monotonic() - begun < 1.5
    assert [str(item.fault) for item in late] == ["its import did not end within 0.5 s"] * 4
    assert good == Imported(2)


def test_a_slow_module_is_waited_for_while_others_are_imported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "PATIENCE_SECONDS", 0.0)
    path = folder / "gate"
    os.mkfifo(path)
    slow = entry_point(folder, "imported_slowly", f"import pathlib\nplugin = pathlib.Path({str(path)!r}).read_text()")
    opening = entry_point(
        folder, "imported_opening", f"import pathlib\nplugin = pathlib.Path({str(path)!r}).write_text('x')"
    )
    assert import_all([slow, opening], 10) == [Imported("x"), Imported(1)]


def test_a_timeout_of_the_modules_own_stays_its_own(folder: Path) -> None:
    (late,) = import_all([entry_point(folder, "imported_late", "raise TimeoutError('the server of the plugin')")], 10)
    assert str(late.fault) == "the server of the plugin"
