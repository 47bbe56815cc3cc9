"""Whether a preset fits the codecs that it names; what it leaves open, the deployments that name it may fill in."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from adapters.base import FormatPlugin, Preset
from gateway.codecs import DIRECTIONS


def check_preset(preset: Preset, codecs: Mapping[str, FormatPlugin | None]) -> None:
    """Check the options of both directions, each by itself.

    Args:
        preset: its options are mappings.
        codecs: by kind; None for one that could not be made.

    Raises:
        ValueError: a codec is not there, or it has no such option, or none that takes such a value.
    """
    for direction in DIRECTIONS:
        options = dict(getattr(preset, direction))
        kind = options.pop("format", None)
        if kind is None:
            continue
        if kind not in codecs:
            hint = "".join(f" (did you mean {name}?)" for name in get_close_matches(kind, codecs, n=1))
            raise ValueError(f"its `{direction}` needs the format {kind}, which is not installed{hint}")
        codec = codecs[kind]
        if codec is not None:
            _check_options(f"its `{direction}`", options, codec)


def _check_options(whose: str, options: Mapping[str, Any], codec: FormatPlugin) -> None:
    known = {field.encode_name: field.type for field in msgspec.structs.fields(codec.settings)}
    for name, value in options.items():
        if name not in known:
            raise ValueError(f"{whose} sets {name}, which is no option of the format {codec.kind}")
        try:
            msgspec.convert(value, known[name])
        except msgspec.ValidationError:
            raise ValueError(f"{whose} sets {name} to what the format {codec.kind} does not take") from None
