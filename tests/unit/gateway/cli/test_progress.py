import io
import sys

import pytest

from gateway.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, steps: int, share: float | None = 0.5) -> str:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress("rows") as progress:
        for _ in range(steps):
            progress.advance(500, share)
    return stream.getvalue()


@pytest.mark.parametrize("share", [0.5, None])
def test_a_bar_counts_on_a_terminal(monkeypatch: pytest.MonkeyPatch, share: float | None) -> None:
    assert "1,500 rows" in shown(monkeypatch, Terminal(), 3, share)


def test_what_is_done_in_one_step_has_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "rows" not in shown(monkeypatch, Terminal(), 1)


def test_nothing_is_shown_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, io.StringIO(), 3) == ""
