import io

import pytest
from rich.console import Console

from gateway.cli.tables import add_row, new_table, output_console

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


def test_names_from_outside_do_not_steer_the_terminal() -> None:
    assert "\x1b" not in shown(80, "\x1b[31mred", "x", 1)


def test_progress_goes_apart_from_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    output_console(errors=True).print("progress")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "progress\n")
