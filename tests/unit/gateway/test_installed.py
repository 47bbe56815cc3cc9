"""What the registry finds installed; test_registry.py goes through what is made of it."""

from pathlib import Path

import pytest

from gateway.installed import Listing, read_installed
from tests.plugin_distributions import EXAMPLE, write_distribution

ME = "tests.example_plugins"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def rows(package: str) -> dict[str, Listing]:
    return {item.listing.kind: item.listing for item in read_installed(10) if item.listing.package == package}


def test_the_author_of_a_broken_plugin_is_told_the_line(folder: Path) -> None:
    (folder / "module_that_divides.py").write_text("def half():\n    return 1 / 0\n\nplugin = half()\n")
    write_distribution(folder, "bad-plugins", {"engines": {"half": "module_that_divides:plugin"}}, version="0.3")
    assert rows("bad-plugins 0.3")["half"].reason == (
        "The plugin half (engine, module_that_divides:plugin) of bad-plugins 0.3 can't be used: ZeroDivisionError: "
        f"division by zero ({folder.name}/module_that_divides.py:4 <module> > "
        f"{folder.name}/module_that_divides.py:2 half). Upgrade or uninstall that distribution."
    )


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "type('PanicException', (BaseException,), {})('rust')"])
def test_what_is_no_exception_breaks_a_plugin_all_the_same(folder: Path, raised: str) -> None:
    module = f"module_that_raises_{len(raised)}"
    (folder / f"{module}.py").write_text(f"raise {raised}\n")
    write_distribution(folder, "bad-plugins", {"sinks": {"bad": f"{module}:plugin"}})
    write_distribution(folder, "example-plugins", EXAMPLE)
    assert rows("bad-plugins 1.2")["bad"].state == "broken"
    assert rows("example-plugins 1.2")["pail"].state == "ready"


def test_two_entry_points_of_one_distribution_that_claim_a_kind_are_named(folder: Path) -> None:
    write_distribution(folder, "twice", {"engines": {"a": f"{ME}:engine", "b": f"{ME}:engine"}})
    listing = rows("twice 1.2")["tin"]
    assert listing.state == "duplicate"
    assert listing.reason == (
        f"The engine tin is claimed by twice 1.2 (entry point a, {ME}:engine) and twice 1.2 (entry point b, "
        f"{ME}:engine): remove one."
    )


def test_a_distribution_that_is_half_uninstalled_is_unknown(folder: Path) -> None:
    write_distribution(folder, "half-gone", {"engines": {"tin": f"{ME}:engine"}})
    next(folder.glob("half_gone*/METADATA")).unlink()
    assert rows("unknown unknown")["tin"].state == "ready"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('request={"format": "gone"}', "its `request` needs the format gone, which is not installed"),
        ('request={"format": "csv", "headr": 1}', "its `request` sets headr, which is no option of the format csv"),
        ("request=7", "its `request` is no mapping"),
    ],
)
def test_a_preset_that_fits_no_codec_is_broken_and_its_neighbours_are_not(folder: Path, line: str, reason: str) -> None:
    module = f"module_of_presets_{len(line)}"
    (folder / f"{module}.py").write_text(f"from adapters.base import Preset\nplugin = Preset(name='off', {line})\n")
    write_distribution(folder, "example-plugins", EXAMPLE)
    write_distribution(folder, "bad-plugins", {"presets": {"off": f"{module}:plugin"}}, version="0.3")
    listing = rows("bad-plugins 0.3")["off"]
    assert listing.state == "broken"
    assert f"(preset, {module}:plugin) of bad-plugins 0.3 can't be used: " in str(listing.reason)
    assert reason in str(listing.reason)
    assert rows("example-plugins 1.2")["tin-text"].state == "ready"


def test_structs_of_one_full_name_break_the_plugin_that_comes_second_and_no_other(folder: Path) -> None:
    (folder / "module_of_twins.py").write_text(
        "import msgspec\n"
        "from adapters.base import EnginePlugin\n"
        "from schemas.configuration import EngineSettings\n"
        "from tests.example_plugins import connect_tin\n"
        "def plugin(kind):\n"
        "    class TwinSettings(EngineSettings, frozen=True, kw_only=True):\n"
        "        pass\n"
        "    return EnginePlugin(kind=kind, settings=TwinSettings, connect=connect_tin)\n"
        "one, two = plugin('one'), plugin('two')\n"
    )
    write_distribution(folder, "bad-plugins", {"engines": {"1": "module_of_twins:one", "2": "module_of_twins:two"}})
    write_distribution(folder, "example-plugins", EXAMPLE)
    twins = rows("bad-plugins 1.2")
    assert {kind: item.state for kind, item in twins.items()} == {"one": "ready", "two": "broken"}
    assert "has the module and name of another one" in str(twins["two"].reason)
    assert rows("example-plugins 1.2")["tin"].state == "ready"
