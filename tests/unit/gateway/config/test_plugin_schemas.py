from pathlib import Path

import pytest

from gateway.config import load
from gateway.config.plugin_schemas import blaming_schemas
from gateway.registry import Registry
from schemas.errors import ConfigurationError
from tests.plugin_distributions import write_distribution

MODULE = """
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from tests.example_plugins import TinSettings, engine


class OddSettings(TinSettings, frozen=True, kw_only=True):
    size: Annotated[int, Meta(extra_json_schema={"minimum": "planted-value"})] = 0


plugin = replace(engine, kind="odd", settings=OddSettings)
"""


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    (tmp_path / "module_of_odd_schemas.py").write_text(MODULE)
    write_distribution(tmp_path, "odd-plugins", {"engines": {"odd": "module_of_odd_schemas:plugin"}}, version="0.9")
    monkeypatch.syspath_prepend(str(tmp_path))
    return Registry.load()


def test_the_plugin_whose_schema_can_not_be_used_is_named_where_the_configuration_uses_it(
    odd: Registry, tmp_path: Path
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("auth: {mode: none}\nengines:\n  one: {type: odd, region: here, size: 1}\n")
    with pytest.raises(ConfigurationError) as caught:
        load(config, odd, {})
    (told,) = caught.value.problems
    assert told.startswith("The plugin odd (engine) of odd-plugins 0.9 can't be used: the JSON Schema of its settings ")
    assert told.endswith(" is wrong at $defs.OddSettings.properties.size.minimum.")
    config.write_text("auth: {mode: none}\n")
    assert load(config, odd, {}).engines == {}


def test_a_fault_that_is_no_plugins_stays_what_it_is(registry: Registry) -> None:
    with pytest.raises(ZeroDivisionError), blaming_schemas(registry):
        raise ZeroDivisionError
