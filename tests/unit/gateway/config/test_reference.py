import json
import re
from pathlib import Path

from gateway.config import compose_schema
from gateway.config.reference import page
from gateway.registry import Registry
from schemas.configuration import PayloadLogSettings, ServerSettings

PAGE = Path("docs/configuration.md")


def test_the_page_is_up_to_date() -> None:
    """Write it anew with: python -m gateway.config.reference docs/configuration.md."""
    text = PAGE.read_text(encoding="utf-8")
    assert page(text, Registry.load()) == text


def test_every_option_of_a_section_stands_on_the_page_with_its_default() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for section, struct in (("server", ServerSettings), ("payload_log", PayloadLogSettings)):
        table = text.partition(f"### `{section}`")[2].partition("\n### ")[0]
        rows = dict(re.findall(r"^\| `(\w+)` \| .*? \| `(.*?)` \|", table, flags=re.MULTILINE))
        assert set(rows) == set(struct.__struct_fields__)
        for key, default in zip(struct.__struct_fields__, struct.__struct_defaults__, strict=True):
            assert json.loads(rows[key]) == (list(default) if isinstance(default, tuple) else default)


def test_every_plugin_stands_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    registry = Registry.load()
    for title, kinds in (("Engine", registry.engines), ("Sink", registry.sinks), ("Format", registry.formats)):
        assert all(f"### {title} `{kind}`" in text for kind in kinds)


def test_no_default_of_the_schema_is_a_secret() -> None:
    for definition in compose_schema(Registry.load())["$defs"].values():
        for option in definition.get("properties", {}).values():
            if "writeOnly" in json.dumps(option.get("anyOf", option)) and "$ref" not in option:
                assert option.get("default") in (None, {})
