import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.checks.addresses import (
    checked_base_url,
    checked_collector_url,
    checked_proxy_url,
    checked_redis_url,
    credentials_apart,
    host_of,
    is_listening_host,
    is_loopback,
    is_private,
    kind_of_host,
)
from gateway.config.checks.problems import InvalidValue
from gateway.servers import Profile
from tests import kinds


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1///", "https://api.openai.com/v1"),
        ("HTTP://Example.COM:8000", "http://example.com:8000"),
        ("http://[::1]:8000/v1/", "http://[::1]:8000/v1"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://my_service:80/openai/v1", "http://my_service:80/openai/v1"),
        ("https://h/V1/%7Euser", "https://h/V1/%7Euser"),
    ],
)
def test_a_base_url_loses_its_trailing_slashes_only(written: str, used: str) -> None:
    assert checked_base_url(written) == used


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "printable ASCII"),
        ("api.openai.com/v1", "must start with http:// or https://"),
        ("ftp://host/v1", "must start with"),
        ("file:///etc/passwd", "must start with"),
        ("https://", "no valid host"),
        ("https:///v1", "no valid host"),
        ("https://ho%20st/v1", "no valid host"),
        ("https://-x/v1", "no valid host"),
        ("https://user@host/v1", "user name or password"),
        ("https://user:pass@host/v1", "user name or password"),
        ("https://host/v1?key=x", "query or a fragment"),
        ("https://host/v1#x", "query or a fragment"),
        ("https://host/v1?", "query or a fragment"),
        ("https://host:0/v1", "no valid port"),
        ("https://host:/v1", "no valid port"),
        ("https://host:65536/v1", "cannot be read"),
        ("https://host:port/v1", "cannot be read"),
        ("https://[::1/v1", "cannot be read"),
        ("https://ho st/v1", "printable ASCII"),
        ("https://höst/v1", "printable ASCII"),
        ("https://host/v1\n", "printable ASCII"),
        ("https://host\\@evil/v1", "printable ASCII"),
        ("https://host/a/../v1", "segments"),
        ("https://host/%2E%2e/v1", "segments"),
        ("https://host/..;a/v1", "segments"),
        ("https://host/%252e%252e/v1", "segments"),
        ("https://host/%00/v1", "encoded control character"),
        ("https://a..b/v1", "no valid host"),
        (f"https://{'a' * 64}.example/v1", "no valid host"),
        (f"https://{'a.' * 127}b/v1", "no valid host"),
        ("https://host/v1/chat/completions", "one endpoint"),
        ("https://host/v1/completions/", "one endpoint"),
        ("https://host/v1/responses", "one endpoint"),
    ],
)
def test_a_bad_base_url_is_refused_without_being_repeated(url: str, reason: str) -> None:
    with pytest.raises(InvalidValue, match=reason) as caught:
        checked_base_url(url)
    assert not url or url not in f"{caught.value.message} {caught.value.advice}"
    assert caught.value.__cause__ is None


@given(st.text(max_size=60) | st.text(alphabet="htps:/[]@?#%.0e1x-\\ ", max_size=30))
def test_any_text_is_a_base_url_or_a_fault(text: str) -> None:
    try:
        url = checked_base_url(text)
    except InvalidValue:
        return
    assert checked_base_url(url) == url
    assert host_of(url)


HOSTS = st.from_regex(r"https?://[a-z0-9]{1,10}(:[1-9][0-9]{0,3})?", fullmatch=True)
PATHS = st.from_regex(r"(/[a-z0-9]{1,6}){0,3}/{0,2}", fullmatch=True).filter(
    lambda path: "models" not in path
)


@given(HOSTS, PATHS)
def test_checking_a_base_url_twice_changes_nothing(host: str, path: str) -> None:
    url = checked_base_url(host + path)
    assert url == host + path.rstrip("/")
    assert checked_base_url(url) == url


def test_a_collector_url_has_no_credentials() -> None:
    assert checked_collector_url("HTTP://Collector:4318/") == "http://collector:4318"
    assert checked_collector_url("https://a.test/Otlp/v1/") == "https://a.test/Otlp/v1"
    for url in (
        "grpc://a",
        "http://user:canary@a",
        "http://a?canary",
        "http://a#canary",
        "http://",
    ):
        with pytest.raises(InvalidValue) as refused:
            checked_collector_url(url)
        assert "canary" not in str(refused.value)


@pytest.mark.parametrize("path", ["/v1/traces", "/otlp/v1/traces/"])
def test_a_collector_url_is_without_the_path_that_is_added(path: str) -> None:
    with pytest.raises(InvalidValue, match="ends in /v1/traces, which is added to it"):
        checked_collector_url(f"http://a:4318{path}")


def test_a_proxy_url_may_have_a_password_but_no_path() -> None:
    assert checked_proxy_url("http://user:pass@proxy:3128/") == "http://user:pass@proxy:3128"
    for url in ("socks5://proxy:1080", "http://proxy/path", "http://proxy?x", "http://proxy#x"):
        with pytest.raises(InvalidValue):
            checked_proxy_url(url)


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("api.openai.com", kinds.OPENAI),
        ("eu.api.openai.com", kinds.OPENAI),
        ("API.OpenAI.com.", kinds.OPENAI),
        ("my-resource.openai.azure.com", kinds.AZURE),
        ("x.services.ai.azure.com", kinds.AZURE),
        ("api.mistral.ai", kinds.MISTRAL),
        ("api.together.xyz", kinds.TOGETHER),
        ("api.groq.com", kinds.GROQ),
        ("openrouter.ai", kinds.OPENROUTER),
        ("api.fireworks.ai", kinds.FIREWORKS),
        ("api.deepseek.com", kinds.DEEPSEEK),
        ("generativelanguage.googleapis.com", kinds.GEMINI),
        ("models.github.ai", kinds.GITHUB),
        ("router.huggingface.co", kinds.HUGGINGFACE),
        ("api.openai.com.evil.example", kinds.AUTO),
        ("notapi.openai.com", kinds.AUTO),
        ("127.0.0.1", kinds.AUTO),
        ("", kinds.AUTO),
    ],
)
def test_well_known_hosts_show_their_kind(host: str, kind: Profile) -> None:
    assert kind_of_host(host) == kind


@pytest.mark.parametrize(
    ("host", "loopback", "private"),
    [
        ("127.0.0.1", True, True),
        ("127.9.9.9", True, True),
        ("::1", True, True),
        ("::ffff:127.0.0.1", True, True),
        ("localhost", True, True),
        ("LOCALHOST.", True, True),
        ("app.localhost", True, True),
        ("10.1.2.3", False, True),
        ("169.254.1.1", False, True),
        ("fe80::1", False, True),
        ("::ffff:8.8.8.8", False, False),
        ("8.8.8.8", False, False),
        ("vllm", False, True),
        ("vllm.models.svc", False, True),
        ("vllm.models.svc.cluster.local", False, True),
        ("printer.local", False, True),
        ("example.com", False, False),
        ("localhost.example.com", False, False),
        ("0x7f.1.example", False, False),
        ("127.1", False, False),
    ],
)
def test_hosts_are_distinguished_by_who_can_reach_them(
    host: str, loopback: bool, private: bool
) -> None:
    assert is_loopback(host) == loopback
    assert is_private(host) == private


def test_every_interface_is_beyond_loopback() -> None:
    assert not is_loopback("0.0.0.0")  # noqa: S104 - asked about, not bound
    assert not is_loopback("::")


def test_a_listener_takes_addresses_and_names_only() -> None:
    assert all(map(is_listening_host, ["127.0.0.1", "::", "fe80::1%eth0", "localhost", "a.b"]))
    bad = ["", "[::1]", "http://x", "a b", "a:80", "/x", "a\n"]
    assert not any(map(is_listening_host, bad))


@pytest.mark.parametrize(
    ("url", "shown", "credentials"),
    [
        ("redis://h", "redis://h", None),
        ("redis://h:6379/", "redis://h:6379", None),
        ("rediss://:p%40ss@h/12", "rediss://h/12", ":p%40ss"),
        ("redis://user:pass@[::1]:6380/3", "redis://[::1]:6380/3", "user:pass"),
    ],
)
def test_the_credentials_of_a_redis_server_are_kept_apart(
    url: str, shown: str, credentials: str | None
) -> None:
    assert credentials_apart(checked_redis_url(url)) == (shown, credentials)


@pytest.mark.parametrize("url", ["memory://", "sqlite:////srv/a@b/c.sqlite"])
def test_what_has_no_credentials_stays_as_it_is(url: str) -> None:
    assert credentials_apart(url) == (url, None)


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis:h",
        "redis://h:0",
        "redis://h/a",
        "redis://h/0/1",
        "redis://h?db=1",
        "x://h",
    ],
)
def test_a_bad_redis_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidValue):
        checked_redis_url(url)
