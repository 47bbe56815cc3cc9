"""The gateway against a bare pass-through proxy: same upstream, same run, interleaved rounds, one core for the server.

    python -m benchmarks.compare [--seconds 5] [--rounds 5] [--json FILE]

The ratio is requests a second through the gateway divided by requests a second through the baseline, in one round; the
median of the rounds is printed. The load generator (wrk) and the upstream (nginx) share the other core.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct

from adapters.testing.credit_risk import NUMERIC_COLUMNS, numeric_cells, rows
from benchmarks.gateway import ENDPOINT, gateway, scoring_call
from benchmarks.load import Call, Measurement, measure
from benchmarks.processes import SERVER_CORE, BenchmarkError, free_port, prepare_machine, running
from benchmarks.upstream import constant_upstream

CONNECTIONS = (1, 32)
WARM_UP_SECONDS = 1


class Server(Struct, frozen=True):
    """A server under measurement."""

    name: str
    pid: int
    call: Call


class Result(Struct, frozen=True):
    """The rounds of one number of connections.

    Attributes:
        connections: held by the load generator.
        ratio: rate of the gateway by rate of the baseline, median over the rounds.
        ratios: of the single rounds.
        servers: medians over the rounds, by the server's name.
    """

    connections: int
    ratio: float
    ratios: list[float]
    servers: dict[str, Measurement]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    try:
        prepare_machine()
        with tempfile.TemporaryDirectory(prefix="benchmark-", dir=options.directory) as folder:
            results = _run(Path(folder), options.rounds, options.seconds)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    _print_table(results)
    if options.json is not None:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement (default: 5)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--directory", metavar="DIR", help="for the spool: on the disk to measure (default: temporary)")
    return parser.parse_args(arguments)


def _run(folder: Path, rounds: int, seconds: int) -> list[Result]:
    with constant_upstream(folder) as upstream, _servers(folder, upstream) as servers:
        for server in servers:
            server.call.send_once()
            measure(server.call, connections=max(CONNECTIONS), seconds=WARM_UP_SECONDS, server_pid=server.pid)
        measured: dict[int, dict[str, list[Measurement]]] = {
            connections: {server.name: [] for server in servers} for connections in CONNECTIONS
        }
        for number in range(rounds):
            # Each server is first in every other round, so that what drifts on the machine favours none.
            for server in servers if number % 2 == 0 else servers[::-1]:
                for connections in CONNECTIONS:
                    one = measure(server.call, connections=connections, seconds=seconds, server_pid=server.pid)
                    measured[connections][server.name].append(one)
            print(f"round {number + 1} of {rounds} done", file=sys.stderr)
        return [_result(connections, by_server) for connections, by_server in measured.items()]


@contextmanager
def _servers(folder: Path, upstream: str) -> Iterator[list[Server]]:
    row = numeric_cells(rows(1)[0])
    csv_file = folder / "row.csv"
    csv_file.write_text(",".join(map(str, row)) + "\n", encoding="utf-8")
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.passthrough", upstream, str(port)]
    with (
        running(command, core=SERVER_CORE, port=port, log=folder / "passthrough.log") as passthrough_pid,
        gateway(folder, upstream, NUMERIC_COLUMNS) as (gateway_url, gateway_pid),
    ):
        native = Call(f"http://127.0.0.1:{port}/endpoints/{ENDPOINT}/invocations", csv_file, "text/csv")
        scoring = scoring_call(gateway_url, folder / "row.json", NUMERIC_COLUMNS, [row])
        yield [Server("pass-through", passthrough_pid, native), Server("gateway", gateway_pid, scoring)]


def _result(connections: int, by_server: Mapping[str, Sequence[Measurement]]) -> Result:
    pairs = zip(by_server["gateway"], by_server["pass-through"], strict=True)
    ratios = [ours.rate / baseline.rate for ours, baseline in pairs]
    servers = {name: _median(measurements) for name, measurements in by_server.items()}
    return Result(connections, median(ratios), ratios, servers)


def _median(measurements: Sequence[Measurement]) -> Measurement:
    columns = zip(*(msgspec.structs.astuple(measurement) for measurement in measurements), strict=True)
    return Measurement(*map(median, columns))


def _print_table(results: Sequence[Result]) -> None:
    print(f"{'connections':>11}  {'server':<12}  {'calls/s':>8}  {'p50 ms':>7}  {'p99 ms':>7}  {'CPU us/call':>11}")
    for result in results:
        for name, one in result.servers.items():
            figures = f"{one.rate:>8.0f}  {one.p50_ms:>7.2f}  {one.p99_ms:>7.2f}  {one.cpu_us:>11.0f}"
            print(f"{result.connections:>11}  {name:<12}  {figures}")
        low, high = min(result.ratios), max(result.ratios)
        print(f"{'':>11}  ratio {result.ratio:.2f} ({low:.2f} to {high:.2f} in {len(result.ratios)} rounds)")


if __name__ == "__main__":
    sys.exit(main())
