from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from adapters.base import EnginePlugin, Preset, Transport
from gateway.descriptors import Group, descriptors
from schemas.configuration import Settings
from tests.example_plugins import engine, plain, presets, sink


def changed(plugin: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(plugin, **changes)


async def undecorated(settings: Settings, transport: Transport) -> AsyncIterator[None]:
    yield None


async def returning(settings: Settings, transport: Transport) -> None:
    return None


class ArraySettings(Settings, frozen=True, array_like=True):
    one: int = 1


@pytest.mark.parametrize(
    ("group", "named"), [("engines", engine), ("sinks", sink), ("formats", plain), ("presets", presets[0])]
)
def test_one_descriptor_is_taken(group: Group, named: Any) -> None:
    assert descriptors(group, named) == [named]


def test_presets_come_in_sequences_too() -> None:
    assert descriptors("presets", presets) == list(presets)


@pytest.mark.parametrize(
    ("group", "named", "reason"),
    [
        ("engines", "a text", "it is of type str, expected is EnginePlugin"),
        ("engines", [engine], "it is of type list, expected is EnginePlugin"),
        ("presets", "a text", "it is of type str, expected is Preset"),
        ("presets", [presets[0], engine], "it is of type EnginePlugin, expected is Preset"),
        ("sinks", changed(sink, kind=""), "no name"),
        ("sinks", changed(sink, kind=7), "no name"),
        ("engines", changed(engine, kind="a\udcff"), "no name"),
        ("formats", changed(plain, kind="a\nb"), "no name"),
        ("engines", changed(engine, api_version=0), "made for version 0 of the plugin API"),
        ("engines", changed(engine, settings=Settings), "its settings are no EngineSettings"),
        ("engines", changed(engine, settings=None), "its settings are no EngineSettings"),
        ("formats", changed(plain, settings=ArraySettings), "its settings are an array"),
        ("engines", changed(engine, connect=None), "its `connect` can't be called"),
        ("engines", changed(engine, connect=undecorated), "put @asynccontextmanager above it"),
        ("sinks", changed(sink, connect=returning), "put @asynccontextmanager above it"),
        ("formats", changed(plain, build="text"), "its `build` can't be called"),
        ("presets", Preset(name="p", request=None), "its `request` is no mapping"),  # type: ignore[arg-type]
        ("presets", Preset(name="p", response={1: 2}), "its `response` is no mapping"),  # type: ignore[dict-item]
        ("presets", Preset(name="p", request={"format": ["csv"]}), "its `request.format` is no name"),
    ],
)
def test_what_the_gateway_could_not_use_is_refused(group: Group, named: Any, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        descriptors(group, named)


@pytest.mark.parametrize("seconds", [0, -1.0, float("inf"), float("nan"), "60", None, True])
def test_a_time_limit_is_a_number_of_seconds(seconds: Any) -> None:
    plugin: EnginePlugin = changed(engine, timeout_seconds=seconds)
    with pytest.raises(TypeError, match="`timeout_seconds`"):
        descriptors("engines", plugin)
