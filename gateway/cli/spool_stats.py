"""What `payloads stats` shows: how much the spool holds, and the books of its sinks."""

from collections.abc import Iterator
from datetime import UTC, datetime

from gateway.cli.console import counted, printable
from gateway.cli.tables import add_row, new_table, output_console
from gateway.payloadlog.accounting import SinkAccount
from gateway.payloadlog.reading import SpoolStats

FIGURES = ("accepted", "delivered", "pending", "dead", "dropped")


def show_stats(stats: SpoolStats) -> None:
    """Print depth, books, and what a person should know of them."""
    console = output_console()
    console.print(f"{counted(stats.depth.records, 'record')}, {stats.depth.bytes / 1e6:.1f} MB on disk")
    recoveries = stats.recoveries
    if recoveries.times:
        lost = f"{recoveries.records_lost} lost" + (", and more that nobody counted" if recoveries.uncounted else "")
        console.print(
            f"A damaged file was set aside {counted(recoveries.times, 'time')}: "
            f"{counted(recoveries.records_kept, 'record')} kept, {lost}."
        )
    if not stats.accounts:
        console.print("No sink was ever configured: records stay here.")
        return
    table = new_table("sink", *FIGURES, numbers=FIGURES)
    for account in stats.accounts:
        figures = (account.accepted, account.delivered, account.pending, account.dead, sum(account.dropped.values()))
        add_row(table, account.sink, *figures)
    console.print(table)
    for account in stats.accounts:
        for remark in _remarks(account):
            console.print(f"{printable(account.sink)}: {remark}")


def _remarks(account: SinkAccount) -> Iterator[str]:
    if not account.balances:
        yield "THE BOOKS DO NOT BALANCE: accepted is not delivered + pending + dead + dropped."
    if not account.configured:
        yield "not in the configuration any more."
    if account.replayed:
        yield f"{counted(account.replayed, 'record')} sent once more by replay."
    if account.dropped:
        yield f"dropped: {', '.join(f'{reason} {n}' for reason, n in account.dropped.items())}."
    if account.oldest_pending_at_us is not None:
        yield f"the oldest pending call is of {_time(account.oldest_pending_at_us)}."


def _time(unix_us: int) -> str:
    return datetime.fromtimestamp(unix_us / 1_000_000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
