"""What a request line says: versions (RFC 9112 section 2.3) and targets (section 3.2)."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from gateway.config.settings import ServerSettings
from tests.door.doors import CHAT, COMPLETIONS, Client, Door, chat, connect, door, prompt, raw
from tests.door.upstream import STREAM_END, STREAM_HEAD, chat_reply, replies, text_event
from tests.rows import module_fixture

BODY = chat()
LENGTH = f"Content-Length: {len(BODY)}"
OWN = "GET /v1/files/own HTTP/1.1"
STREAM = STREAM_HEAD + text_event("Hi") + STREAM_END


@module_fixture
def running() -> Iterator[Door]:
    with door() as both:
        yield both


@module_fixture
def guarded() -> Iterator[Door]:
    """A gateway that answers to two names only."""
    with door(ServerSettings(allowed_hosts=("localhost", "127.0.0.1"))) as both:
        yield both


@pytest.fixture
def client(running: Door) -> Iterator[Client]:
    with connect(running.base_url) as made:
        yield made
    running.upstream.hang_up()


# --- versions ---------------------------------------------------------------------------------

VERSIONS = ["HTTP/2.0", "HTTP/3.0", "HTTP/2", "HTTP/0.9", "HTTP/9.9", "HTTP/11.1"]
NO_VERSIONS = ["HTTP/1", "HTTP/1.", "HTTP/1.1.1", "http/1.1", "HTTPS/1.1", "ICE/1.0", "RTSP/1.0"]


@pytest.mark.parametrize("target", [CHAT, "/v1/embeddings", "/nowhere", "/healthz"])
@pytest.mark.parametrize("version", VERSIONS + NO_VERSIONS)
def test_another_protocol_is_refused(
    running: Door, client: Client, version: str, target: str
) -> None:
    before = len(running.upstream.requests)
    with suppress(ConnectionError):
        client.send(raw(f"POST {target} {version}", LENGTH, body=BODY) + raw(OWN))
    reply = client.reply()
    assert reply.status in ((400, 505) if version in VERSIONS else (400,))
    assert client.rest() == b""
    assert running.upstream.since(before) == []


@pytest.mark.parametrize("drip", [False, True], ids=["at once", "byte by byte"])
@pytest.mark.parametrize("more", [b"", b"\x00\x00\x12\x04" + b"\x00" * 23])
def test_the_preface_of_http_2_is_refused(
    running: Door, client: Client, more: bytes, *, drip: bool
) -> None:
    before = len(running.upstream.requests)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + more
    with suppress(ConnectionError):
        (client.drip if drip else client.send)(preface)
    received = client.rest()
    assert received.startswith((b"HTTP/1.1 400", b"HTTP/1.1 505")), received[:100]
    assert received.count(b"HTTP/1.1 ") == 1
    assert running.upstream.since(before) == []


def test_http_1_0_is_served_and_the_connection_closed(running: Door, client: Client) -> None:
    before = len(running.upstream.requests)
    client.send(raw(f"POST {CHAT} HTTP/1.0", LENGTH, body=BODY) + raw(OWN))
    reply = client.reply()
    assert (reply.status, reply.complete) == (200, True)
    assert "for sk-test" in reply.body.decode()
    assert "transfer-encoding" not in reply.headers
    assert client.rest() == b""
    assert [seen.body for seen in running.upstream.since(before)] == [BODY]


def test_http_1_0_can_ask_to_keep_the_connection(running: Door, client: Client) -> None:
    client.send(raw(f"POST {CHAT} HTTP/1.0", LENGTH, "Connection: keep-alive", body=BODY))
    reply = client.reply()
    assert (reply.status, reply.complete) == (200, True)
    if reply.headers.get("connection", "").lower() == "keep-alive":
        client.send(raw(OWN.replace("1.1", "1.0")))
        assert client.reply().status == 200
    else:
        assert client.rest() == b""


@pytest.mark.parametrize("fields", [(), ("Connection: keep-alive",)], ids=["", "keep-alive"])
@pytest.mark.parametrize("path", [CHAT, COMPLETIONS], ids=["untouched", "translated"])
def test_a_stream_to_http_1_0_ends_with_the_connection(
    running: Door, client: Client, path: str, fields: tuple[str, ...]
) -> None:
    running.upstream.then(replies(STREAM))
    body = chat(stream=True) if path == CHAT else prompt(stream=True)
    length = f"Content-Length: {len(body)}"
    client.send(raw(f"POST {path} HTTP/1.0", length, *fields, body=body))
    status, headers = client.reply_head()
    assert status == 200
    assert "transfer-encoding" not in headers
    assert headers.get("connection", "close").lower() == "close"
    received = client.rest()
    assert received.startswith(b"data: "), received
    assert received.endswith(b"data: [DONE]\n\n")


def test_http_1_0_needs_no_host(running: Door, client: Client) -> None:
    client.send(raw("GET /healthz HTTP/1.0", host=""))
    assert client.reply().status in (200, 400)
    assert client.rest() == b""


@pytest.mark.parametrize("value", ["close", "Close", "close, foo", "keep-alive, close"])
def test_a_connection_is_closed_when_the_client_says_so(
    running: Door, client: Client, value: str
) -> None:
    client.send(raw(f"POST {CHAT} HTTP/1.1", LENGTH, f"Connection: {value}", body=BODY) + raw(OWN))
    reply = client.reply()
    assert (reply.status, reply.headers["connection"].lower()) == (200, "close")
    assert client.rest() == b""


@pytest.mark.parametrize("lines", [b"\r\n", b"\r\n\r\n", b"\r\n" * 5])
def test_empty_lines_before_a_request_line_are_skipped(
    running: Door, client: Client, lines: bytes
) -> None:
    for _ in range(3):
        client.send(lines + raw(f"POST {CHAT} HTTP/1.1", LENGTH, body=BODY))
        assert client.reply().status == 200


BAD_LINES = {
    "a word": b"nonsense",
    "no target": b"GET HTTP/1.1",
    "no version": b"GET /v1/models",
    "two spaces in a target": b"GET /v1/models a b HTTP/1.1",
    "a tab": b"GET\t/v1/models\tHTTP/1.1",
    "NUL in a target": b"GET /v1/mod\x00els HTTP/1.1",
    "a control character": b"GET /v1/mod\x01els HTTP/1.1",
    "no slash": b"GET v1/models HTTP/1.1",
    "a bad method": b"G(T /v1/models HTTP/1.1",
    "a space before": b" GET /v1/models HTTP/1.1",
    "words behind": b"GET /v1/models HTTP/1.1 more",
}


@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_request_line_is_refused(running: Door, client: Client, line: bytes) -> None:
    before = len(running.upstream.requests)
    with suppress(ConnectionError):
        client.send(raw("%", "Connection: close").replace(b"%", line, 1))
    reply = client.reply()
    assert 400 <= reply.status < 500
    assert client.rest() == b""
    assert running.upstream.since(before) == []


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "BREW", "PROPFIND", "get", "QUERY", "M-A"])
def test_an_unknown_method_is_refused_in_the_envelope(
    running: Door, client: Client, method: str
) -> None:
    before = len(running.upstream.requests)
    target = "gateway.test:443" if method == "CONNECT" else "/v1/models"
    client.send(raw(f"{method} {target} HTTP/1.1", "Connection: close"))
    reply = client.reply()
    assert reply.status in (400, 405, 501)
    assert reply.error["type"] == "invalid_request_error"
    assert client.rest() == b""
    assert running.upstream.since(before) == []


# --- targets ----------------------------------------------------------------------------------


def test_an_absolute_target_is_served_like_its_path(running: Door, client: Client) -> None:
    before = len(running.upstream.requests)
    target = f"http://anything.example{CHAT}?trace=on"
    client.send(raw(f"POST {target} HTTP/1.1", LENGTH, body=BODY))
    assert client.reply().status == 200
    (seen,) = running.upstream.since(before)
    assert (seen.line, seen.body) == (f"POST {CHAT}?trace=on", BODY)
    host = seen.header("host")
    assert host is not None
    assert "anything" not in host


FORMS = {
    "generation": f"POST {{}}{CHAT} HTTP/1.1",
    "passed through": "POST {}/v1/embeddings HTTP/1.1",
    "without a route": "POST {}/nowhere HTTP/1.1",
}


@pytest.mark.parametrize("line", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize(
    "authority",
    [
        *("http://evil.example", "http://evil.example:80", "HTTP://EVIL.example", "http://[::1]"),
        *("https://evil.example", "http://localhost.evil.example", "http://127.0.0.1.evil.example"),
    ],
)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080"])
def test_a_targets_authority_wins_over_host(
    guarded: Door, authority: str, line: str, host: str
) -> None:
    before = len(guarded.upstream.requests)
    with connect(guarded.base_url) as client:
        client.send(raw(line.format(authority), LENGTH, host=host, body=BODY))
        reply = client.reply()
    assert (reply.status, reply.error["code"]) == (421, "unknown_host")
    assert guarded.upstream.since(before) == []


@pytest.mark.parametrize(
    "authority", ["http://localhost@evil.example", "http://evil.example@localhost", "http://"]
)
def test_a_target_with_a_doubtful_authority_is_refused(guarded: Door, authority: str) -> None:
    before = len(guarded.upstream.requests)
    with connect(guarded.base_url) as client:
        client.send(raw(FORMS["generation"].format(authority), LENGTH, host="localhost", body=BODY))
        assert client.reply().status in (400, 421)
    assert guarded.upstream.since(before) == []


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
@pytest.mark.parametrize(
    "authority", ["http://localhost", "http://LOCALHOST:81", "http://127.0.0.1"]
)
def test_an_allowed_authority_is_served_whatever_host_says(
    guarded: Door, authority: str, host: str
) -> None:
    with connect(guarded.base_url) as client:
        client.send(raw(FORMS["generation"].format(authority), LENGTH, host=host, body=BODY))
        reply = client.reply()
    assert reply.status == 200, reply.body


@pytest.mark.parametrize("line", FORMS.values(), ids=FORMS.keys())
def test_without_an_absolute_target_host_decides(guarded: Door, line: str) -> None:
    with connect(guarded.base_url) as client:
        client.send(raw(line.format(""), LENGTH, host="evil.example", body=BODY))
        assert client.reply().error["code"] == "unknown_host"
        client.send(raw(line.format(""), LENGTH, host="LocalHost:1", body=BODY))
        assert client.reply().status == (404 if "nowhere" in line else 200)


HOSTS_BAD = {
    "none": [],
    "two": ["Host: localhost", "Host: localhost"],
    "two different": ["Host: localhost", "Host: evil.example"],
    "empty": ["Host:"],
    "a list": ["Host: localhost, evil.example"],
    "a path": ["Host: localhost/evil"],
    "a user": ["Host: evil.example@localhost"],
    "a space": ["Host: localhost evil.example"],
    "a bad port": ["Host: localhost:evil"],
}


@pytest.mark.parametrize("target", [CHAT, f"http://localhost{CHAT}"], ids=["origin", "absolute"])
@pytest.mark.parametrize("hosts", HOSTS_BAD.values(), ids=HOSTS_BAD.keys())
def test_a_request_has_one_good_host(guarded: Door, hosts: list[str], target: str) -> None:
    before = len(guarded.upstream.requests)
    with connect(guarded.base_url) as client:
        client.send(raw(f"POST {target} HTTP/1.1", *hosts, LENGTH, host="", body=BODY))
        assert client.reply().status == 400
    assert guarded.upstream.since(before) == []


@pytest.mark.parametrize(
    "target", ["http://localhost", "http://localhost/", "http://localhost?a=b"]
)
def test_an_absolute_target_without_a_path_leads_nowhere(guarded: Door, target: str) -> None:
    with connect(guarded.base_url) as client:
        client.send(raw(f"GET {target} HTTP/1.1", host="localhost"))
        reply = client.reply()
    assert reply.status in (400, 404)
    assert reply.error["message"]


def test_options_of_everything_is_not_a_failure(running: Door, client: Client) -> None:
    client.send(raw("OPTIONS * HTTP/1.1", "Connection: close"))
    assert client.reply().status < 500
    assert client.rest() == b""


def test_a_whole_reply_is_whole_however_large(running: Door, client: Client) -> None:
    text = "x" * 3_000_000
    body = chat_reply(text)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    running.upstream.then(replies(head % len(body) + body))
    client.request("POST", CHAT, BODY)
    reply = client.reply()
    assert (reply.status, reply.body) == (200, body)
