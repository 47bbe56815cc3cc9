"""Bodies that no platform should send, and one day one does."""

from hypothesis import strategies as st

CANARY = "canary-payload-value"

HOSTILE = (
    b"",
    b"\n",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf1",
    b"null",
    b"NaN",
    b"[NaN, Infinity, -Infinity]",
    b"1e999",
    b"nan,inf,-inf\n",
    b"1" * 100_000,
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[" * 50_000 + b"]" * 50_000,
    b'"' * 1_001,
    b"," * 100_000,
    b"<html><body>Bad gateway</body></html>",
    b'{"error": "out of memory"}',
    b'{"predictions": null}',
    b'{"a": 1, "a": 2}',
)
"""Nothing, no text, deep and long, numbers that are none, a proxy's page, an error behind a success."""

QUOTING = tuple(
    text.encode()
    for text in (
        CANARY,
        f'"{CANARY}"',
        f'{{"error": "{CANARY}"}}',
        f'[["{CANARY}", 1], "{CANARY}"]',
        f"{CANARY},1\n",
    )
)
"""Answers that can't be rows, with a value of the payload in them."""

_PIECES = (b"", b"0", b"-", b".", b"e9999", b",", b'"', b"\\", b"[", b"]", b"{", b"}", b"\n", b"\xff")


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """Return a strategy for what an accident leaves of a body: cut short, a piece lost, changed, or there twice."""
    ends = st.tuples(st.integers(0, len(content)), st.integers(0, len(content))).map(sorted)
    pieces = st.sampled_from(_PIECES)
    cut = st.integers(0, len(content)).map(lambda end: content[:end])
    changed = st.builds(lambda at, piece: content[: at[0]] + piece + content[at[1] :], ends, pieces)
    doubled = ends.map(lambda at: content[: at[1]] + content[at[0] :])
    return cut | changed | doubled
