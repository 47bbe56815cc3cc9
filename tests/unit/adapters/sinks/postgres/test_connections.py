import sys

import pytest

from adapters.sinks.postgres import connect
from gateway.transport import HttpTransport
from schemas.errors import MissingExtraError
from tests.unit.adapters.sinks.postgres.test_settings import settings_of


async def test_without_the_driver_the_sink_says_which_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(MissingExtraError, match=r"openscale-gateway\[postgres\]"):
        async with HttpTransport() as transport, connect(settings_of(), transport):
            pass


async def test_to_open_and_close_the_sink_makes_no_connection() -> None:
    nobody = settings_of(dsn="postgresql://gateway@127.0.0.1:1/openscale")
    async with HttpTransport() as transport, connect(nobody, transport) as sink:
        assert sink.filter.deployments is None
