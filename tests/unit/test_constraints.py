"""The pins that `make` installs."""

from importlib.metadata import metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"
OLDEST_PYTHON = "3.11.0"


def test_every_pin_can_be_installed_on_the_oldest_python() -> None:
    pins = [line for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert pins
    needs = {pin: metadata(pin.partition("==")[0])["Requires-Python"] or "" for pin in pins}
    assert [pin for pin, versions in needs.items() if not SpecifierSet(versions).contains(OLDEST_PYTHON)] == []
