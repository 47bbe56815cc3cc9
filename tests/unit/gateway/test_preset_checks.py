from typing import Any

import pytest

from adapters.base import FormatPlugin, Preset
from gateway.preset_checks import check_preset
from tests.example_plugins import other, plain

CODECS: dict[str, FormatPlugin | None] = {"plain": plain, "other": other, "unusable": None}


@pytest.mark.parametrize(
    "request_options",
    [
        {},
        {"width": 3},
        {"format": "plain"},
        {"format": "plain", "header": True, "fields": ["a"]},
        {"format": "plain", "fields": ("a", "b")},
        {"format": "unusable", "anything": 1},
    ],
)
def test_what_a_codec_takes_is_right_and_what_is_open_is_left_to_deployments(request_options: dict[str, Any]) -> None:
    check_preset(Preset(name="p", request=request_options, response={"format": "other"}), CODECS)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"format": "gone"}, "its `response` needs the format gone, which is not installed$"),
        ({"format": "plian"}, r"which is not installed \(did you mean plain\?\)$"),
        ({"format": "plain", "headr": True}, "its `response` sets headr, which is no option of the format plain$"),
        ({"format": "plain", "width": "planted-value"}, "its `response` sets width to what the format plain does not"),
        ({"format": "plain", "width": 0}, "sets width"),
    ],
)
def test_what_no_codec_takes_is_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        check_preset(Preset(name="p", request={"format": "plain"}, response=options), CODECS)
    assert "planted-value" not in str(caught.value)
