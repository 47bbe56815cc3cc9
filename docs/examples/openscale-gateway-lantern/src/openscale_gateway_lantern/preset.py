"""What a deployment of Lantern speaks, in one word: `format: lantern`."""

from adapters.base import Preset

preset = Preset(
    name="lantern",
    request={"format": "keyvalue"},
    response={"format": "keyvalue"},
    source='Lantern handbook: "Bodies"',
)
