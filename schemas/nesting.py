"""How deeply a JSON text is nested."""

import re

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def nested_within(text: bytes, levels: int, *, siblings: int = 0) -> bool:
    """Whether a valid JSON text has at most so many arrays and objects inside each other.

    Args:
        text: valid JSON.
        levels: 1 allows a flat array.
        siblings: arrays that are known to lie beside each other, one of them aside. No path leads through more than
            one of them, so with few other brackets the answer is known without a look at the text.
    """
    if text.count(b"[") + text.count(b"{") - siblings <= levels:
        return True
    brackets = _STRING.sub(b"", text).translate(_BRACKETS, _NO_BRACKETS)
    for _ in range(levels):
        if not brackets:
            break
        # One pass takes away what is innermost.
        brackets = brackets.replace(b"[]", b"")
    return not brackets
