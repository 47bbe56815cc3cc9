"""From a deployment's `format`, `request` and `response` to two codecs."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec
from msgspec import Struct

from adapters.base import Format, FormatPlugin, Preset
from gateway.faults import blaming
from schemas.configuration import DeploymentSettings
from schemas.errors import ConfigurationError

Direction = Literal["request", "response"]
Options = Mapping[str, Any]
DIRECTIONS: tuple[Direction, Direction] = ("request", "response")
_NOTHING: Mapping[str, Options] = {}


class Plugins(Protocol):
    """What is needed of the registry."""

    def format(self, kind: str) -> FormatPlugin:
        """Return a codec, or raise ConfigurationError."""
        ...

    def preset(self, name: str) -> Preset:
        """Return a preset, or raise ConfigurationError."""
        ...

    def package(self, group: Literal["formats", "presets"], kind: str) -> str:
        """Return name and version of the distribution that brought a usable one."""
        ...


class _Problem(Struct, frozen=True):
    place: str
    sentence: str


def build_formats(
    plugins: Plugins, settings: DeploymentSettings, request_options: Mapping[str, Options] = _NOTHING
) -> tuple[Format, Format]:
    """Build both codecs of a deployment.

    A `request` or `response` without `format`, or with that of the preset, changes single options of the preset; with
    another `format` it replaces it.

    Args:
        plugins: the codecs and presets.
        settings: of the deployment.
        request_options: those of its endpoint, by codec; they count less than the preset's and the deployment's own.

    Raises:
        ConfigurationError: with each problem and its place.
    """
    request = _build(plugins, settings, "request", request_options)
    response = _build(plugins, settings, "response")
    if isinstance(request, _Problem) or isinstance(response, _Problem):
        problems = _problems(request, response)
        raise ConfigurationError([f"{place}: {sentence}" for place, sentence in problems])
    return request, response


def build_request_reader(
    plugins: Plugins,
    settings: DeploymentSettings,
    columns: Sequence[str] | None,
    request_options: Mapping[str, Options] = _NOTHING,
) -> Format:
    """Build the codec that decodes what the first of `build_formats` encodes.

    Args:
        plugins: the codecs and presets.
        settings: of a deployment without `find_format_problems`.
        columns: of its endpoint, in its order: names for the columns of bodies that have none.
        request_options: as for `build_formats`.

    Raises:
        ConfigurationError: the columns are no names for the codec.
    """
    options = _options(plugins, settings, "request", request_options)
    if columns and "fields" in plugins.format(str(options["format"])).settings.__struct_fields__:
        options = {"fields": tuple(columns), **options}
    reader = _codec(plugins, options, "request")
    if isinstance(reader, _Problem):
        raise ConfigurationError([f"{reader.place}: {reader.sentence}"])
    return reader


def find_format_problems(plugins: Plugins, settings: DeploymentSettings) -> list[tuple[str, str]]:
    """Return (place, sentence) for each reason why `build_formats` would fail."""
    return _problems(*(_build(plugins, settings, direction) for direction in DIRECTIONS))


def format_title(plugins: Plugins, settings: DeploymentSettings, direction: Direction) -> str:
    """Return what to call one codec of a deployment in a message; there are no `find_format_problems`."""
    return _title(plugins, str(_options(plugins, settings, direction, _NOTHING)["format"]))


def _title(plugins: Plugins, kind: str) -> str:
    return f"The format {kind} of {plugins.package('formats', kind)}"


def _problems(*built: Format | _Problem) -> list[tuple[str, str]]:
    # A preset that is not there is the problem of both directions, and told once.
    problems = dict.fromkeys(item for item in built if isinstance(item, _Problem))
    return [(item.place, item.sentence) for item in problems]


def _build(
    plugins: Plugins, settings: DeploymentSettings, direction: Direction, described: Mapping[str, Options] = _NOTHING
) -> Format | _Problem:
    try:
        options = _options(plugins, settings, direction, described)
    except ConfigurationError as error:
        return _Problem("format", error.message)
    if "format" not in options:
        return _Problem(direction, "No format is configured: set `format` to a preset, or name a codec here.")
    built = _codec(plugins, options, direction)
    if isinstance(built, _Problem) and settings.format is not None and not (getattr(settings, direction) or described):
        # Nobody wrote these options but the preset's author.
        whose = f"The preset {settings.format} of {plugins.package('presets', settings.format)}"
        return _Problem("format", f"{whose}, in its `{direction}`: {built.sentence}")
    return built


def _options(
    plugins: Plugins, settings: DeploymentSettings, direction: Direction, described: Mapping[str, Options]
) -> dict[str, Any]:
    preset = {} if settings.format is None else getattr(plugins.preset(settings.format), direction)
    options = merged_options(preset, getattr(settings, direction) or {})
    return {**described.get(str(options.get("format")), {}), **options}


def merged_options(preset: Options, override: Options) -> dict[str, Any]:
    """Return the options of one direction, `format` included."""
    replaces = "format" in override and override["format"] != preset.get("format")
    return dict(override) if replaces else {**preset, **override}


def _codec(plugins: Plugins, options: dict[str, Any], direction: Direction) -> Format | _Problem:
    kind = options.pop("format")
    try:
        plugin = plugins.format(str(kind))
    except ConfigurationError as error:
        return _Problem(f"{direction}.format", error.message)
    who = _title(plugins, plugin.kind)
    try:
        with blaming(who, "its `build`"):
            return _built(plugin, options, who)
    except ConfigurationError as error:
        return _Problem(direction, error.message)


def _built(plugin: FormatPlugin, options: Options, who: str) -> Format:
    for option in msgspec.structs.fields(plugin.settings):
        if option.required and option.encode_name not in options:
            raise ConfigurationError([f"The option {option.encode_name} is missing: {plugin.kind} needs it."])
    try:
        codec = plugin.build(msgspec.convert(options, plugin.settings))
    except ValueError as error:
        raise ConfigurationError([sentence_of(error)]) from error
    methods = all(callable(getattr(codec, name, None)) for name in ("encode", "decode"))
    if not (methods and isinstance(getattr(codec, "media_type", None), str)):
        raise ConfigurationError([f"{who}: its `build` returned a {type(codec).__name__}, expected is a Format."])
    return codec


def sentence_of(error: ValueError | msgspec.ValidationError) -> str:
    """Return what a settings struct, or a codec, objects to; what msgspec itself says may quote a value."""
    if isinstance(error, msgspec.ValidationError) and not isinstance(error.__cause__, ValueError | TypeError):
        return "A value is not of the type that its option has."
    sentence = str(error.__cause__ if isinstance(error, msgspec.ValidationError) else error)
    return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."
