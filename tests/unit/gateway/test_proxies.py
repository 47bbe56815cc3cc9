import pytest
from yarl import URL

from gateway.proxies import proxy_for

PROXY = "http://user:pass@proxy.example:3128"


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_without_a_word_in_the_environment_everything_is_reached_directly(environ: pytest.MonkeyPatch) -> None:
    assert proxy_for(URL("https://engine.example/")) is None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_each_scheme_has_its_own_proxy(environ: pytest.MonkeyPatch, name: str) -> None:
    environ.setenv(name, PROXY)
    assert proxy_for(URL("https://engine.example/")) == URL(PROXY)
    assert proxy_for(URL("http://engine.example/")) is None


def test_a_proxy_without_a_scheme_speaks_http(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("HTTP_PROXY", "proxy.example:3128")
    assert proxy_for(URL("http://engine.example/")) == URL("http://proxy.example:3128")


@pytest.mark.parametrize("excepted", ["*", "engine.example", ".example", "other, engine.example:8080"])
def test_what_no_proxy_names_is_reached_directly(environ: pytest.MonkeyPatch, excepted: str) -> None:
    environ.setenv("HTTP_PROXY", PROXY)
    environ.setenv("NO_PROXY", excepted)
    assert proxy_for(URL("http://engine.example:8080/")) is None
    assert (proxy_for(URL("http://engine.test/")) is None) == (excepted == "*")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_this_machine_is_reached_directly(environ: pytest.MonkeyPatch, host: str) -> None:
    environ.setenv("HTTP_PROXY", PROXY)
    assert proxy_for(URL(f"http://{host}:8080/")) is None


@pytest.mark.parametrize("value", ["socks5://hidden@proxy.example", "http://hidden@", "http://hidden:x@[proxy"])
def test_what_is_no_http_proxy_is_named_and_not_shown(environ: pytest.MonkeyPatch, value: str) -> None:
    environ.setenv("HTTPS_PROXY", value)
    with pytest.raises(ValueError, match="HTTPS_PROXY is not the URL of an HTTP proxy") as caught:
        proxy_for(URL("https://engine.example/"))
    assert "hidden" not in str(caught.value)
