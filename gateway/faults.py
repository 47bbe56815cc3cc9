"""Faults in the code of plugins: contained where it is called, and told by their class and their place."""

import asyncio
import contextlib
import importlib
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from schemas.errors import ConfigurationError, GatewayError

T = TypeVar("T")

# How a person or the event loop ends what is going on: nobody's fault.
_ENDS = (KeyboardInterrupt, asyncio.CancelledError, GeneratorExit)
_LONGEST_TEXT = 300
_BETWEEN = ("<frozen ", f"{Path(importlib.__file__).parent}/", contextlib.__file__, f"{Path(__file__).parent}/")


@contextmanager
def blaming(who: str, act: str) -> Iterator[None]:
    """Refuse the configuration, in the name of a plugin, for whatever its code raises in the block.

    A GatewayError passes as it is: its sentence is made for people. Of anything else the text is not shown, because it
    may quote a setting.

    Args:
        who: what the configuration calls it, its kind and the package that brought it.
        act: what of the plugin is called.

    Raises:
        ConfigurationError: it failed; the message says with what, and at which lines.
    """
    try:
        yield
    except (GatewayError, *_ENDS):
        raise
    except BaseException as error:
        raise ConfigurationError([f"{who}: {act} failed with {briefly(error)}."]) from error


def briefly(error: BaseException) -> str:
    """Return the class of an error and the lines of code, without its text, which may quote a setting or a payload."""
    return f"{type(error).__name__}{_at(error)}"


class Fault(Struct, frozen=True):
    """What went wrong in code that has seen no setting yet: class, first line of the text, and lines of code."""

    told: str

    @classmethod
    def of(cls, error: BaseException) -> "Fault":
        """Describe what was raised."""
        return cls(f"{type(error).__name__}{_text(error)}{_at(error)}")


def attempted(work: Callable[[], T]) -> T | Fault:
    """Return the result of work on what a plugin has given, or how it failed."""
    try:
        return work()
    except _ENDS:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin is anybody's code: its fault is reported as such
        return Fault.of(error)


def _text(error: BaseException) -> str:
    try:
        lines = str(error).splitlines()
    except _ENDS:
        raise
    except BaseException:  # noqa: BLE001 - an exception of a plugin is a plugin's code, too
        return ""
    # What is no UTF-8, as in the name of a file, can't be written on.
    return f": {lines[0][:_LONGEST_TEXT].encode(errors='backslashreplace').decode()}" if lines else ""


def _at(error: BaseException) -> str:
    """Say where: the first line beyond this package and the machinery of imports, and the two at the end."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_BETWEEN)]
    shown = frames if len(frames) <= 3 else [frames[0], *frames[-2:]]  # noqa: PLR2004 - they are counted just above
    places = " > ".join(f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}" for frame in shown)
    return f" ({places})" if places else ""
