"""Proxies' URLs, and hosts as they are named to proxies."""

import sys
from dataclasses import replace
from types import ModuleType

import httpcore2
import pytest

from gateway.config.secret import Secret
from gateway.upstream.origin import parse_base_url
from gateway.upstream.proxied.forward_proxy import host_for, proxy_of
from tests.upstream.conftest import settings_for

BASE_URL = "http://model.test/v1"


def proxy(url: str) -> httpcore2.Proxy:
    made = proxy_of(settings_for(BASE_URL, proxy=Secret(url)))
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://proxy.test:3128", ("http", "proxy.test", 3128)),
        ("https://proxy.test", ("https", "proxy.test", 443)),
        ("HTTP://Proxy.Test", ("http", "proxy.test", 80)),
        ("http://u:p@[::1]:8080", ("http", "::1", 8080)),
    ],
)
def test_it_is_connected_to_where_its_url_says(url: str, address: tuple[str, str, int]) -> None:
    scheme, host, port = address
    assert proxy(url).url.origin == httpcore2.Origin(scheme.encode(), host.encode(), port)


@pytest.mark.parametrize(
    ("written", "auth"),
    [
        ("", None),
        ("@", None),
        (":@", None),
        ("user@", (b"user", b"")),
        ("user:pass@", (b"user", b"pass")),
        (":pass@", (b"", b"pass")),
        ("user:p:a:ss@", (b"user", b"p:a:ss")),
        ("user:p@ss@", (b"user", b"p@ss")),
        ("us%40er:p%3A%2fss%25@", (b"us@er", b"p:/ss%")),
        ("us%C3%A9r:p%FFss@", ("usér".encode(), b"p\xffss")),
    ],
)
def test_a_user_and_password_are_decoded(written: str, auth: tuple[bytes, bytes] | None) -> None:
    made = proxy(f"http://{written}proxy.test:3128")
    assert (made.url.host, made.auth) == (b"proxy.test", auth)


def test_there_may_be_none() -> None:
    assert proxy_of(settings_for(BASE_URL)) is None


def test_one_that_no_scheme_is_known_for_is_refused_without_its_password() -> None:
    upstream = settings_for(BASE_URL, proxy=Secret("ftp://user:canary@proxy.test"))
    with pytest.raises(ValueError, match="upstream 'local': proxy must begin with") as refused:
        proxy_of(upstream)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_socks_needs_its_package(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(ValueError, match=r"'local': a SOCKS proxy needs .*httpcore2\[socks\]"):
        proxy(f"{scheme}://proxy.test")
    package = ModuleType("socksio")
    package.__spec__ = sys.__spec__
    monkeypatch.setitem(sys.modules, "socksio", package)
    assert proxy(f"{scheme}://proxy.test").url.origin.port == 1080


def test_an_address_is_in_brackets_only_where_a_proxy_of_http_reads_it() -> None:
    local = parse_base_url("http://[::1]:8000/v1")
    elsewhere = replace(local, host="model.test")
    named = [proxy("http://proxy.test"), proxy("https://proxy.test")]
    assert [host_for(local, each) for each in named] == ["[::1]"] * 2
    assert [host_for(elsewhere, each) for each in named] == ["model.test"] * 2
    assert host_for(local, None) == "::1"
    socks = httpcore2.Proxy("socks5://proxy.test")
    assert host_for(local, socks) == "::1"
