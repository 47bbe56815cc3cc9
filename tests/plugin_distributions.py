"""Distributions with entry points, as an installer would leave them."""

from collections.abc import Mapping
from pathlib import Path

EXAMPLE = {
    "engines": {"tin": "tests.example_plugins:engine"},
    "formats": {"plain": "tests.example_plugins:plain", "other": "tests.example_plugins:other"},
    "sinks": {"pail": "tests.example_plugins:sink"},
    "presets": {"tin": "tests.example_plugins:presets"},
}


def write_distribution(
    folder: Path, name: str, entry_points: Mapping[str, Mapping[str, str]], *, version: str = "1.2"
) -> None:
    """Write `<name>-<version>.dist-info` into a folder that is (to be) on `sys.path`."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups = (
        "\n".join([f"[openscale_gateway.{group}]", *(f"{key} = {value}" for key, value in entries.items())])
        for group, entries in entry_points.items()
    )
    (info / "entry_points.txt").write_text("\n\n".join(groups) + "\n")
