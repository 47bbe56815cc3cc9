import msgspec
import pytest

from adapters.base.native import NativeDetails, read_native
from schemas.deployment import Endpoint
from schemas.errors import EngineEndpointNotFoundError


class Lantern(NativeDetails, frozen=True, kw_only=True, omit_defaults=True):
    url: str
    key: str | None = None


@pytest.mark.parametrize("native", [Lantern(url="http://l/s"), Lantern(url="http://l/s", key="k")])
def test_what_one_process_writes_another_one_reads(native: Lantern) -> None:
    persisted = msgspec.json.encode(Endpoint(name="credit", native=native.as_json()))
    assert read_native(msgspec.json.decode(persisted, type=Endpoint), Lantern, "Lantern credit") == native


def test_nothing_of_it_is_shown() -> None:
    assert repr(Lantern(url="http://l/s", key="hidden")) == "Lantern()"


@pytest.mark.parametrize("native", [{}, {"url": 7}, {"uri": "http://l/s"}])
def test_what_another_release_wrote_asks_for_discovery(native: dict[str, object]) -> None:
    with pytest.raises(EngineEndpointNotFoundError, match=r"^Lantern credit was discovered by another release"):
        read_native(Endpoint(name="credit", native=native), Lantern, "Lantern credit")
