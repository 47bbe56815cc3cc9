"""Latency of single-row calls while large batches run back to back beside them, on one connection.

    python -m benchmarks.batches [--rows 5000] [--seconds 10] [--json FILE]

The target is a p99 below 25 ms for batches of 5,000 rows and 20 columns.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.testing.credit_risk import COLUMNS, rows
from benchmarks.gateway import gateway, scoring_call
from benchmarks.load import Call, Measurement, measure
from benchmarks.processes import LOAD_CORE, BenchmarkError, free_port, prepare_machine, running

WARM_UP_CALLS = 50


class Result(Struct, frozen=True):
    """Single-row calls alone and beside batches.

    Attributes:
        n_rows: of a batch.
        batches: answered while the single-row calls were measured.
        batch_ms: mean time of a batch.
        alone: single-row calls without batches.
        beside: single-row calls beside them; its `cpu_us` counts the batches' CPU time, too.
    """

    n_rows: int
    batches: int
    batch_ms: float
    alone: Measurement
    beside: Measurement


class BatchesBackToBack:
    """Sends one batch after the other over one connection, in a thread, as long as the block lasts."""

    def __init__(self, call: Call) -> None:
        self.seconds: list[float] = []
        self._call = call
        self._stop = threading.Event()
        self._failure: BenchmarkError | None = None
        self._thread = threading.Thread(target=self._send, name="batches")

    def __enter__(self) -> "BatchesBackToBack":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _send(self) -> None:
        try:
            with closing(self._call.connect()) as connection:
                while not self._stop.is_set():
                    start = time.perf_counter()
                    self._call.send(connection)
                    self.seconds.append(time.perf_counter() - start)
        except BenchmarkError as error:
            self._failure = error


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    try:
        prepare_machine()
        with tempfile.TemporaryDirectory(prefix="benchmark-", dir=options.directory) as folder:
            result = _run(Path(folder), options.rows, options.seconds)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    _print(result)
    if options.json is not None:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batches", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=5000, help="in a batch (default: 5000)")
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement (default: 10)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--directory", metavar="DIR", help="for the spool: on the disk to measure (default: temporary)")
    return parser.parse_args(arguments)


def _run(folder: Path, n_rows: int, seconds: int) -> Result:
    with _upstream(folder) as upstream, gateway(folder, upstream, COLUMNS) as (url, pid):
        values = rows(n_rows)
        single = scoring_call(url, folder / "row.json", COLUMNS, values[:1])
        batch = scoring_call(url, folder / "batch.json", COLUMNS, values)
        batch.send_once()
        for _ in range(WARM_UP_CALLS):
            single.send_once()
        alone = measure(single, connections=1, seconds=seconds, server_pid=pid)
        with BatchesBackToBack(batch) as batches:
            beside = measure(single, connections=1, seconds=seconds, server_pid=pid)
    return Result(n_rows, len(batches.seconds), sum(batches.seconds) / len(batches.seconds) * 1e3, alone, beside)


@contextmanager
def _upstream(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.rows_upstream", str(port)]
    with running(command, core=LOAD_CORE, port=port, log=folder / "upstream.log"):
        yield f"http://127.0.0.1:{port}"


def _print(result: Result) -> None:
    print(f"{'single-row calls':<18}  {'calls/s':>8}  {'p50 ms':>7}  {'p99 ms':>7}")
    for name, one in (("alone", result.alone), ("beside batches", result.beside)):
        print(f"{name:<18}  {one.rate:>8.0f}  {one.p50_ms:>7.2f}  {one.p99_ms:>7.2f}")
    print(f"{result.batches} batches of {result.n_rows} rows, {result.batch_ms:.0f} ms each on average")


if __name__ == "__main__":
    sys.exit(main())
