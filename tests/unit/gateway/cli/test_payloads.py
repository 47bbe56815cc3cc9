import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import json
from pyarrow import parquet

from gateway.payloadlog.appending import Appender
from gateway.payloadlog.retention import Retention
from gateway.payloadlog.spool import Spool
from tests.fakes.payload_records import FIRST_US, entry
from tests.unit.gateway.cli.conftest import Run, start

Append = Callable[..., None]
Write = Callable[..., Path]


def ids(output: str) -> list[str]:
    return [json.decode(line)["scoring_id"] for line in output.splitlines()]


def test_all_records_are_exported_as_they_are_stored(run: Run, write_config: Write, append: Append) -> None:
    entries = [entry(), entry("other", outcome="engine_timeout"), entry()]
    append(*entries)
    outcome = run("payloads", "export", "--config", write_config())
    assert outcome.code == 0
    assert outcome.output.encode().splitlines() == [item.line for item in entries]
    assert outcome.errors == ""


def test_export_filters_by_deployment_and_time(run: Run, write_config: Write, append: Append) -> None:
    entries = [entry("ab"[n % 2], scored_at_us=FIRST_US + n * 1_000_000) for n in range(6)]
    append(*entries)
    export = ("payloads", "export", "--config", write_config())
    start_at, end = "2023-11-14T22:13:21Z", "2023-11-14T23:13:24+01:00"
    assert ids(run(*export, "--deployment", "b").output) == [entries[n].scoring_id for n in (1, 3, 5)]
    assert ids(run(*export, "--start", start_at, "--end", end).output) == [entries[n].scoring_id for n in (1, 2, 3)]
    assert run(*export, "--start", "2023-11-15").output == ""
    assert run(*export, "--deployment", "nobody").output == ""


@pytest.mark.parametrize("arguments", [["--start", "soon"], ["--format", "xml"], ["--end", ""]])
def test_bad_filters_are_wrong_usage(run: Run, write_config: Write, arguments: list[str]) -> None:
    outcome = run("payloads", "export", "--config", write_config(), *arguments)
    assert outcome.code == 2
    assert arguments[0] in outcome.errors


def test_export_to_a_file_prints_nothing(run: Run, write_config: Write, append: Append, tmp_path: Path) -> None:
    item = entry()
    append(item)
    outcome = run("payloads", "export", "--config", write_config(), "--output", tmp_path / "out.jsonl")
    assert (outcome.code, outcome.output, outcome.errors) == (0, "", "")
    assert (tmp_path / "out.jsonl").read_bytes() == item.line + b"\n"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_export_in_rows(run: Run, write_config: Write, append: Append, tmp_path: Path, kind: str) -> None:
    item = entry()
    append(item)
    out = tmp_path / "out"
    assert run("payloads", "export", "--config", write_config(), "--format", kind, "--output", out).code == 0
    if kind == "parquet":
        assert parquet.read_table(out).column("row_id").to_pylist() == [f"{item.scoring_id}-1"]
    else:
        assert out.read_text().splitlines()[1].startswith(f"{item.scoring_id}-1,")


def test_parquet_goes_down_a_pipe(write_config: Write, append: Append, tmp_path: Path) -> None:
    append(entry(), entry())
    with start("payloads", "export", "--config", write_config(), "--format", "parquet") as process:
        assert process.stdout is not None
        content = process.stdout.read()
    (tmp_path / "piped").write_bytes(content)
    assert parquet.read_table(tmp_path / "piped").num_rows == 2


def test_file_that_cannot_be_written_is_a_failure_in_a_sentence(
    run: Run, write_config: Write, append: Append, tmp_path: Path
) -> None:
    append(entry())
    outcome = run("payloads", "export", "--config", write_config(), "--output", tmp_path / "none" / "out")
    assert outcome.code == 1
    assert outcome.errors.count("\n") == 1
    assert "No such file" in outcome.errors


def test_tail_shows_the_newest_oldest_first(run: Run, write_config: Write, append: Append) -> None:
    entries = [entry("ab"[n % 2]) for n in range(20)]
    append(*entries)
    tail = ("payloads", "tail", "--config", write_config())
    assert ids(run(*tail).output) == [item.scoring_id for item in entries[-10:]]
    assert ids(run(*tail, "-n", 3).output) == [item.scoring_id for item in entries[-3:]]
    assert ids(run(*tail, "-n", 2, "--deployment", "a").output) == [entries[16].scoring_id, entries[18].scoring_id]
    assert run(*tail, "-n", 0).output == ""
    assert run(*tail, "-n", -1).code == 2


async def test_tail_follows_what_comes_over_retention_and_restarts_until_it_is_interrupted(
    write_config: Write, append: Append, spool: Path
) -> None:
    known, fresh, foreign = entry(), entry(), entry("other")
    append(known)
    arguments = ("payloads", "tail", "-f", "--deployment", "credit", "--config", write_config())
    process = await asyncio.to_thread(start, *arguments)
    assert process.stdout is not None
    with process:
        assert await asyncio.to_thread(process.stdout.readline) == known.line + b"\n"
        retention = Retention(spool, max_bytes=10**9, retain_seconds=0.0)
        assert retention.sweep().expired == 1
        retention.close()
        Spool.open(spool, max_bytes=10**9).close()
        appender = Appender(spool)
        appender.append([foreign])
        appender.append([fresh])
        appender.close()
        assert await asyncio.to_thread(process.stdout.readline) == fresh.line + b"\n"
        process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(process.wait) == 130
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_stats_without_sinks(run: Run, write_config: Write, append: Append) -> None:
    append(entry(), entry())
    outcome = run("payloads", "stats", "--config", write_config())
    assert outcome.code == 0
    assert outcome.output.startswith("2 records, ")
    assert "No sink" in outcome.output
    as_json = json.decode(run("payloads", "stats", "--json", "--config", write_config()).output)
    assert as_json["accounts"] == []
    assert as_json["depth"]["records"] == 2
