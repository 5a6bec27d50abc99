from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.upstream.origin import Origin, parse_base_url

ORIGIN = Origin("https", "api.openai.com", 443, "/v1")


@pytest.mark.parametrize(
    ("base_url", "origin", "host_header"),
    [
        ("https://api.openai.com/v1", ORIGIN, b"api.openai.com"),
        ("https://api.openai.com:443/v1/", ORIGIN, b"api.openai.com"),
        ("http://127.0.0.1:8000", Origin("http", "127.0.0.1", 8000, ""), b"127.0.0.1:8000"),
        ("http://[::1]:1234/a/b", Origin("http", "::1", 1234, "/a/b"), b"[::1]:1234"),
        ("http://HOST/", Origin("http", "host", 80, ""), b"host"),
        ("http://bücher.example", Origin("http", "xn--bcher-kva.example", 80, ""), None),
    ],
)
def test_a_base_url_is_taken_apart(
    base_url: str, origin: Origin, host_header: bytes | None
) -> None:
    parsed = parse_base_url(base_url)
    assert parsed == origin
    assert host_header is None or parsed.host_header == host_header


@pytest.mark.parametrize(
    ("base_url", "complaint"),
    [
        ("ftp://host/v1", "http:// or https://"),
        ("https:///v1", "with a host"),
        ("host:8000/v1", "http:// or https://"),
        ("http://user:secret@host/v1", "user or password"),
        ("http://host/v1?api-version=1", "query"),
        ("http://host/v1#x", "fragment"),
        ("http://host/v1/../admin", "path that cannot be used"),
        ("http://ho st/v1", "space"),
        ("http://" + "ü" * 80 + "/", "IDNA"),
        ("http://host:99999/", "[Pp]ort"),
    ],
)
def test_a_base_url_that_leads_nowhere_is_refused(base_url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_base_url(base_url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("/chat/completions", b"", b"/v1/chat/completions"),
        ("/models", b"limit=1&after=a%20b", b"/v1/models?limit=1&after=a%20b"),
        ("/models/ft:gpt-3.5-turbo:org::id", b"", b"/v1/models/ft:gpt-3.5-turbo:org::id"),
        ("/models/meta%2FLlama-3.1", b"", b"/v1/models/meta%2FLlama-3.1"),
        ("/models/a..b/...", b"", b"/v1/models/a..b/..."),
        ("/files/%E2%82%AC", b"", b"/v1/files/%E2%82%AC"),
        ("/x", b"redirect=../..", b"/v1/x?redirect=../.."),
    ],
)
def test_paths_and_queries_are_passed_on_as_they_are(
    path: str, query: bytes, target: bytes
) -> None:
    assert ORIGIN.target(path, query) == target


@pytest.mark.parametrize(
    "path",
    [
        "",
        "models",
        "/..",
        "/../admin",
        "/a/./b",
        "/a/%2e%2e/b",
        "/a/%2E./b",
        "/a/%252e%252e/b",
        "/a/..%2fb",
        "/a%2f..%2fb",
        "/a/..%5cb",
        "/a\\b",
        "/a b",
        "/a\r\nHost: evil",
        "/a\0",
        "/a%00b",
        "/a%0d%0ab",
        "/a%250ab",
        "/ä",
        "/a?b",
        "/a#b",
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(InvalidRequest):
        ORIGIN.target(path)


@pytest.mark.parametrize("query", [b"a b", b"a\r\nb", b"a#b", b"\xc3\xa4", b"\0"])
def test_a_query_that_does_not_fit_a_request_line_is_refused(query: bytes) -> None:
    with pytest.raises(InvalidRequest, match="percent-encoded"):
        ORIGIN.target("/models", query)


@given(
    st.text() | st.text(alphabet="/.%2eEfF5cC\\a0d").map("/{}".format),
    st.binary(max_size=10),
)
def test_no_target_ever_leaves_the_base_path(path: str, query: bytes) -> None:
    try:
        target = ORIGIN.target(path, query)
    except InvalidRequest:
        return
    assert target.startswith(b"/v1/")
    assert not set(target) & set(b" \r\n\t\0#")
    decoded = target.decode("ascii").partition("?")[0]
    for _ in range(len(decoded)):
        decoded = unquote(decoded)
    assert not {".", ".."} & set(decoded.replace("\\", "/").split("/"))


@pytest.mark.parametrize(
    ("base_path", "root"),
    [
        ("", ""),
        ("/v1", ""),
        ("/lmstudio/v1", "/lmstudio"),
        ("/v1beta/openai", "/v1beta"),
        ("/inference", ""),
        ("/orgs/acme/inference", ""),
        ("/inference/v1", "/inference"),
        ("/api/v10", "/api/v10"),
        ("/myv1", "/myv1"),
    ],
)
def test_the_servers_root_is_before_what_names_the_compatible_api(
    base_path: str, root: str
) -> None:
    origin = Origin("https", "h.example", 443, base_path)
    assert origin.target("/props", b"a=1", root=True) == f"{root}/props?a=1".encode()
    assert origin.target("/props") == f"{base_path}/props".encode()


@pytest.mark.parametrize("path", ["/../x", "/%2e%2e/x", "//..", "x"])
def test_nothing_leads_out_of_the_root_either(path: str) -> None:
    with pytest.raises(InvalidRequest):
        Origin("https", "h.example", 443, "/a/v1").target(path, root=True)
