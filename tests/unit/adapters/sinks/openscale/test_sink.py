import msgspec
import pytest

from adapters.sinks.openscale import connect, plugin
from adapters.sinks.openscale.data_marts import DataMarts
from adapters.sinks.openscale.data_sets import DataSets
from adapters.testing.conformance import gateway_transport

IDS = {"binding_id": "b-1", "subscription_id": "s-1"}


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({"data_sets": {"credit-risk": "ds-1"}}, DataSets),
        ({"api": "v1", "data_mart_id": "dm", "subscriptions": {"credit-risk": IDS}}, DataMarts),
    ],
)
async def test_the_sink_speaks_the_api_that_its_settings_name(members: dict[str, object], kind: type) -> None:
    base = {"type": "openscale", "url": "https://api.example", "apikey": "k"}
    async with (
        gateway_transport() as transport,
        connect(msgspec.convert({**base, **members}, plugin.settings), transport) as sink,
    ):
        assert isinstance(sink, kind)
        assert sink.filter.deployments == {"credit-risk"}
