import pytest

from gateway.cli.console import counted, printable, say, say_error


def test_names_from_outside_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert printable("a\x1b[2Jb\rc\nd") == "a\ufffd[2Jb\ufffdc\nd"
    say_error("bad \x1b]0;title\x07")
    assert "\x1b" not in capsys.readouterr().err


def test_results_and_complaints_go_apart(capsys: pytest.CaptureFixture[str]) -> None:
    say("result")
    say_error("complaint")
    captured = capsys.readouterr()
    assert captured.out == "result\n"
    assert captured.err == "complaint\n"


def test_things_are_counted_in_words() -> None:
    assert [counted(n, "engine") for n in (0, 1, 2)] == ["0 engines", "1 engine", "2 engines"]
