import io

import pytest
from rich.console import Console

from gateway.cli.console import add_row, counted, new_table, output_console, printable, say, say_error

LONG = "x" * 300


def shown(width: int, *cells: object) -> str:
    table = new_table("id", "text", "n", numbers=("n",))
    add_row(table, *cells)
    out = io.StringIO()
    Console(file=out, width=width, markup=False).print(table)
    return out.getvalue()


def test_nothing_is_folded_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    table = new_table("id", "url")
    add_row(table, LONG, f"http://{LONG}")
    output_console().print(table)
    assert f"{LONG}  http://{LONG}" in capsys.readouterr().out


def test_nothing_is_lost_on_a_narrow_terminal() -> None:
    text = shown(40, "a" * 60, "b" * 60, 7)
    assert (text.count("a"), text.count("b")) == (60, 60)
    assert all(len(line) <= 40 for line in text.splitlines())


def test_text_in_brackets_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    console = output_console()
    console.print("[bold]x[/] :smile: [0.1, 0.9]")
    table = new_table("[red]")
    add_row(table, "[link=x]y[/link]")
    console.print(table)
    output = capsys.readouterr().out
    assert "[bold]x[/] :smile: [0.1, 0.9]" in output
    assert "[red]" in output
    assert "[link=x]y[/link]" in output


def test_names_from_outside_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert printable("a\x1b[2Jb\rc\nd") == "a\ufffd[2Jb\ufffdc\nd"
    say_error("bad \x1b]0;title\x07")
    assert "\x1b" not in capsys.readouterr().err
    assert "\x1b" not in shown(80, "\x1b[31mred", "x", 1)


def test_results_and_complaints_go_apart(capsys: pytest.CaptureFixture[str]) -> None:
    say("result")
    say_error("complaint")
    output_console(errors=True).print("progress")
    captured = capsys.readouterr()
    assert captured.out == "result\n"
    assert captured.err == "complaint\nprogress\n"


def test_things_are_counted_in_words() -> None:
    assert [counted(n, "engine") for n in (0, 1, 2)] == ["0 engines", "1 engine", "2 engines"]
