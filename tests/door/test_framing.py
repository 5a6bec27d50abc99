"""Where a request ends is never in doubt: lengths, codings, chunks and fields (RFC 9112).

What can be read in two ways is refused and the connection closed: a proxy in front may have read it
in the other.
"""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.clients.raw import RawReply, chunk
from tests.door.doors import (
    CHAT,
    EMBEDDINGS,
    FILES,
    MEGABYTE,
    Client,
    Door,
    chat,
    connect,
    door,
    raw,
)
from tests.rows import module_fixture
from tests.waiting import PATIENCE

POST_CHAT = f"POST {CHAT} HTTP/1.1"
OWN = "GET /v1/files/own HTTP/1.1"
SMUGGLED = raw("DELETE /v1/files/SMUGGLED HTTP/1.1")
CHUNKED = "Transfer-Encoding: chunked"
BODY = chat()
CHUNKS = chunk(BODY) + chunk(b"")
LENGTH = len(BODY)


@module_fixture
def running() -> Iterator[Door]:
    with door() as both:
        yield both


@pytest.fixture
def client(running: Door) -> Iterator[Client]:
    with connect(running.base_url) as made:
        yield made


def expect_refused(running: Door, request: bytes, *statuses: int) -> RawReply:
    """Expect one reply and the end of the connection, in one segment and in two; no call."""
    before = len(running.upstream.requests)
    head_ends = request.index(b"\r\n") + 2
    replies = []
    for pieces in ((request,), (request[:head_ends], request[head_ends:])):
        with connect(running.base_url) as client:
            with suppress(ConnectionError):
                for piece in pieces:
                    client.send(piece)
            reply = client.reply()
            assert reply.status in statuses, (reply.status, reply.body)
            assert reply.headers["connection"].lower() == "close"
            assert client.rest() == b""
            replies.append(reply)
    assert [seen.line for seen in running.upstream.since(before)] == []
    return replies[0]


def expect_body(running: Door, client: Client, before: int, body: bytes) -> None:
    """Expect that this body, and no more, went upstream, and that the connection is still good."""
    reply = client.reply()
    assert reply.status == 200, reply.body
    (seen,) = running.upstream.since(before)
    assert (seen.line, seen.body) == (f"POST {CHAT}", body)
    client.send(raw(OWN))
    assert "GET /v1/files/own" in client.reply().body.decode()


# --- transfer codings -------------------------------------------------------------------------

CODINGS_UNKNOWN = {
    "gzip first": ("Transfer-Encoding: gzip, chunked",),
    "gzip first in two fields": ("Transfer-Encoding: gzip", CHUNKED),
    "deflate first": ("Transfer-Encoding: deflate,chunked",),
    "anything first": ("Transfer-Encoding: foo, chunked",),
}
CODINGS_BAD = {
    "twice": ("Transfer-Encoding: chunked, chunked",),
    "twice in two fields": (CHUNKED, CHUNKED),
    "gzip last": ("Transfer-Encoding: chunked, gzip",),
    "gzip last in two fields": (CHUNKED, "Transfer-Encoding: gzip"),
    "gzip alone": ("Transfer-Encoding: gzip",),
    "identity": ("Transfer-Encoding: identity",),
    "identity behind": ("Transfer-Encoding: chunked, identity",),
    "identity first": ("Transfer-Encoding: identity, chunked",),
    "none": ("Transfer-Encoding:",),
    "with a parameter": ("Transfer-Encoding: chunked;q=1",),
    "quoted": ('Transfer-Encoding: "chunked"',),
    "prefixed": ("Transfer-Encoding: xchunked",),
    "suffixed": ("Transfer-Encoding: chunkedx",),
    "two words": ("Transfer-Encoding: chunked chunked",),
    "a vertical tab before": ("Transfer-Encoding: \x0bchunked",),
    "a length too": (CHUNKED, f"Content-Length: {LENGTH}"),
    "a length before": (f"Content-Length: {LENGTH}", CHUNKED),
    "a length of nothing too": ("Content-Length: 0", CHUNKED),
    "a length and gzip": ("Content-Length: 5", "Transfer-Encoding: gzip"),
    "a length and identity": ("Content-Length: 5", "Transfer-Encoding: identity"),
    "a space before the colon": ("Transfer-Encoding : chunked",),
    "a tab before the colon": ("Transfer-Encoding\t: chunked",),
    "folded": ("Transfer-Encoding:\r\n chunked",),
}


@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS])
@pytest.mark.parametrize("fields", CODINGS_UNKNOWN.values(), ids=CODINGS_UNKNOWN.keys())
def test_a_coding_that_is_not_understood_is_a_501(
    running: Door, fields: tuple[str, ...], path: str
) -> None:
    expect_refused(running, raw(f"POST {path} HTTP/1.1", *fields, body=CHUNKS + SMUGGLED), 501)


@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS])
@pytest.mark.parametrize("fields", CODINGS_BAD.values(), ids=CODINGS_BAD.keys())
def test_a_body_without_a_certain_end_is_refused(
    running: Door, fields: tuple[str, ...], path: str
) -> None:
    request = raw(f"POST {path} HTTP/1.1", *fields, body=CHUNKS + SMUGGLED)
    expect_refused(running, request, 400, 501)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_a_coding_is_judged_at_any_method(running: Door, method: str) -> None:
    before = len(running.upstream.requests)
    request = raw(f"{method} {FILES} HTTP/1.1", "Transfer-Encoding: chunked, gzip", body=SMUGGLED)
    with connect(running.base_url) as client:
        client.send(request)
        received = client.rest()
    assert received.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501"))
    assert received.count(b"HTTP/1.1") == 1
    assert running.upstream.since(before) == []


@pytest.mark.parametrize("coding", ["chunked", "Chunked", "CHUNKED", " chunked ", "\tchunked"])
def test_chunked_is_known_in_any_case(running: Door, client: Client, coding: str) -> None:
    before = len(running.upstream.requests)
    client.send(raw(POST_CHAT, f"Transfer-Encoding:{coding}", body=CHUNKS))
    expect_body(running, client, before, BODY)


@pytest.mark.parametrize(
    ("host", "field"),
    [("gateway.test \t", "X-A: b"), ("gateway.test", "Content-Encoding: identity ")],
)
def test_blanks_after_a_value_change_nothing(client: Client, host: str, field: str) -> None:
    length = f"Content-Length: {len(chat())}"
    client.send(raw(f"POST {CHAT} HTTP/1.1", length, field, host=host, body=chat()))
    assert client.reply().status == 200


def test_chunks_in_http_1_0_are_refused(running: Door) -> None:
    request = raw(f"POST {CHAT} HTTP/1.0", CHUNKED, "Connection: keep-alive", body=CHUNKS)
    expect_refused(running, request + SMUGGLED, 400)


# --- lengths ----------------------------------------------------------------------------------

LENGTHS_BAD = {
    "two": (f"Content-Length: {LENGTH}", "Content-Length: 0"),
    "two, the other one first": ("Content-Length: 0", f"Content-Length: {LENGTH}"),
    "a list": (f"Content-Length: {LENGTH}, 0",),
    "a plus": (f"Content-Length: +{LENGTH}",),
    "negative": (f"Content-Length: -{LENGTH}",),
    "hexadecimal": (f"Content-Length: {LENGTH:#x}",),
    "hexadecimal without a mark": ("Content-Length: 5F",),
    "a fraction": (f"Content-Length: {LENGTH}.0",),
    "an exponent": ("Content-Length: 1e1",),
    "two words": (f"Content-Length: {LENGTH} 0",),
    "underscores": ("Content-Length: 1_0",),
    "none": ("Content-Length:",),
    "a word": ("Content-Length: many",),
    "a semicolon": (f"Content-Length: {LENGTH};",),
    "other digits": ("Content-Length: \xb2",),
    "a space before the colon": (f"Content-Length : {LENGTH}",),
    "huge": ("Content-Length: " + "9" * 40,),
    "2 ** 64 and a little": (f"Content-Length: {2**64 + LENGTH}",),
}


@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS])
@pytest.mark.parametrize("fields", LENGTHS_BAD.values(), ids=LENGTHS_BAD.keys())
def test_a_length_that_is_none_is_refused(
    running: Door, fields: tuple[str, ...], path: str
) -> None:
    request = raw(f"POST {path} HTTP/1.1", *fields, body=BODY + SMUGGLED)
    expect_refused(running, request, 400, *((413,) if "9" * 40 in fields[0] else ()))


@pytest.mark.parametrize("length", [2**31, 2**32 + LENGTH, 2**62, 2**63 - 1])
def test_a_length_beyond_all_limits_is_too_large(running: Door, length: int) -> None:
    expect_refused(running, raw(POST_CHAT, f"Content-Length: {length}", body=BODY), 413)


@pytest.mark.parametrize("fields", [("{0}",) * 2, ("{0}, {0}",)], ids=["twice", "a list"])
def test_the_same_length_twice_is_one_length_or_refused(
    running: Door, client: Client, fields: tuple[str, ...]
) -> None:
    before = len(running.upstream.requests)
    lines = [f"Content-Length: {each.format(LENGTH)}" for each in fields]
    client.send(raw(POST_CHAT, *lines, body=BODY + SMUGGLED.replace(b"DELETE", b"GET")))
    first = client.reply()
    assert first.status in (200, 400)
    bodies = [seen.body for seen in running.upstream.since(before)]
    if first.status == 400:
        assert client.rest() == b""
        assert bodies == []
    else:
        assert client.reply().status == 200
        assert bodies[0] == BODY


@pytest.mark.parametrize("length", [f"{LENGTH}", f"00{LENGTH}", f"  {LENGTH}\t"])
def test_a_length_is_digits_between_blanks(running: Door, client: Client, length: str) -> None:
    before = len(running.upstream.requests)
    client.send(raw(POST_CHAT, f"Content-Length:{length}", body=BODY))
    expect_body(running, client, before, BODY)


@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS, "/nowhere"])
def test_a_post_without_a_length_has_no_body(running: Door, path: str) -> None:
    with connect(running.base_url) as client:
        client.send(raw(f"POST {path} HTTP/1.1") + raw(OWN))
        assert client.reply().status in (400, 404, 411, 200)
        reply = client.reply()
        assert (reply.status, "GET /v1/files/own" in reply.body.decode()) == (200, True)


# --- chunks -----------------------------------------------------------------------------------

EXTENSIONS = [b";a", b";a=b", b';a="b;c"', b";a=1;b=2", b";" + b"x" * 1000]


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_chunks_extension_is_ignored(running: Door, client: Client, extension: bytes) -> None:
    before = len(running.upstream.requests)
    body = b"%x%b\r\n%b\r\n0%b\r\n\r\n" % (LENGTH, extension, BODY, extension)
    client.send(raw(POST_CHAT, CHUNKED, body=body))
    expect_body(running, client, before, BODY)


@pytest.mark.parametrize("size", [b"%X", b"000%x", b"%x"])
def test_a_chunks_size_is_hexadecimal(running: Door, client: Client, size: bytes) -> None:
    before = len(running.upstream.requests)
    client.send(raw(POST_CHAT, CHUNKED, body=size % LENGTH + b"\r\n" + BODY + b"\r\n" + chunk(b"")))
    expect_body(running, client, before, BODY)


def test_a_body_in_many_small_chunks_is_one(running: Door, client: Client) -> None:
    before, body = len(running.upstream.requests), chat("x" * 2000)
    client.send(raw(POST_CHAT, CHUNKED))
    client.send(b"".join(chunk(body[at : at + 1]) for at in range(len(body))) + chunk(b""))
    expect_body(running, client, before, body)


TRAILERS = b"Authorization: Bearer sk-trailer\r\nX-Stainless-Lang: trailer\r\nX-Sum: trailer\r\n"


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS])
def test_trailers_are_ignored(running: Door, client: Client, path: str, *, split: bool) -> None:
    before = len(running.upstream.requests)
    request = raw(f"POST {path} HTTP/1.1", CHUNKED, "Trailer: X-Sum", body=chunk(BODY) + b"0\r\n")
    if split:
        for piece in (request, *TRAILERS.splitlines(keepends=True), b"\r\n"):
            client.send(piece)
    else:
        client.send(request + TRAILERS + b"\r\n")
    reply = client.reply()
    assert (reply.status, "for sk-test" in reply.body.decode()) == (200, True)
    (seen,) = running.upstream.since(before)
    assert seen.body == BODY
    assert "trailer" not in str(seen.fields).lower()
    client.send(raw(OWN))
    assert "GET /v1/files/own" in client.reply().body.decode()


@pytest.mark.parametrize("trailer", [b"Content-Length: 3", b"Transfer-Encoding: gzip", b"Host: x"])
def test_a_trailer_changes_nothing_of_the_framing(
    running: Door, client: Client, trailer: bytes
) -> None:
    before = len(running.upstream.requests)
    ending = b"0\r\n" + trailer + b"\r\n\r\n"
    client.send(raw(POST_CHAT, CHUNKED, body=chunk(BODY) + ending) + raw(OWN))
    first = client.reply()
    lines = [seen.line for seen in running.upstream.since(before) if seen.complete]
    if first.status == 400:
        assert client.rest() == b""
        assert lines == []
    else:
        assert first.status == 200
        assert "GET /v1/files/own" in client.reply().body.decode()


CHUNKS_BAD = {
    "no number": b"x\r\nhello\r\n0\r\n\r\n",
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "a plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "a mark": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a blank before": b" 5\r\nhello\r\n0\r\n\r\n",
    "an underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "none": b"\r\nhello\r\n0\r\n\r\n",
    "only an extension": b";a\r\nhello\r\n0\r\n\r\n",
    "huge": b"F" * 17 + b"\r\nhello\r\n0\r\n\r\n",
    "2 ** 64 and 5": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "longer than it says": b"5\r\nhelloX\r\n0\r\n\r\n",
    "much longer than it says": b"5\r\nhello" + SMUGGLED + b"\r\n0\r\n\r\n",
    "shorter than it says": b"6\r\nhello\r\n0\r\n\r\n",
    "line feeds only": b"5\nhello\n0\n\n",
    "a line feed behind the size": b"5\nhello\r\n0\r\n\r\n",
    "a line feed behind the data": b"5\r\nhello\n0\r\n\r\n",
    "a carriage return only": b"5\rhello\r\n0\r\n\r\n",
    "a line feed in an extension": b"5;a\nhello\r\n0\r\n\r\n",
    "a bad trailer": b"5\r\nhello\r\n0\r\nbad trailer\r\n\r\n",
}


@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS])
@pytest.mark.parametrize("body", CHUNKS_BAD.values(), ids=CHUNKS_BAD.keys())
def test_bad_chunks_are_refused(running: Door, body: bytes, path: str) -> None:
    before = len(running.upstream.requests)
    with connect(running.base_url) as client:
        with suppress(ConnectionError):
            client.send(raw(f"POST {path} HTTP/1.1", CHUNKED))
            client.send(body + SMUGGLED)
        received = client.rest()
    assert received.startswith(b"HTTP/1.1 400"), received[:200]
    assert received.count(b"HTTP/1.1 ") == 1
    lines = [seen.line for seen in running.upstream.since(before) if seen.complete]
    assert lines == []


def test_a_bad_chunk_at_a_passed_through_body_breaks_the_upstream_call(running: Door) -> None:
    before = len(running.upstream.requests)
    with connect(running.base_url) as client:
        client.send(raw(f"POST {FILES} HTTP/1.1", CHUNKED, body=chunk(b"x" * 100_000)))
        seen = running.upstream.wait_for(before + 1)
        client.send(b"nonsense\r\n")
        assert client.reply().status == 400
        assert client.cut()
        assert seen.left.wait(PATIENCE)
    assert not seen.complete


# --- fields -----------------------------------------------------------------------------------

FIELDS_BAD = {
    "a space before the colon": b"X-A : b",
    "a tab before the colon": b"X-A\t: b",
    "a space before the name": b" X-A: b",
    "folded": b"X-A: b\r\n c",
    "folded with a tab": b"X-A: b\r\n\tc",
    "NUL in a value": b"X-A: b\x00c",
    "NUL in a name": b"X\x00A: b",
    "a bare carriage return in a value": b"X-A: b\rc",
    "a bare carriage return and a field": b"X-A: b\rContent-Length: 0",
    "a bare carriage return in a name": b"X\rA: b",
    "a control character": b"X-A: b\x01c",
    "DEL": b"X-A: b\x7fc",
    "no name": b": b",
    "no colon": b"X-A",
    "a parenthesis in a name": b"X(A: b",
    "a slash in a name": b"X/A: b",
    "a byte beyond ASCII in a name": b"X\xe9A: b",
}


@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS])
@pytest.mark.parametrize("field", FIELDS_BAD.values(), ids=FIELDS_BAD.keys())
def test_a_malformed_field_is_refused(running: Door, field: bytes, path: str) -> None:
    fields = ("X-Here: %", f"Content-Length: {LENGTH}")
    request = raw(f"POST {path} HTTP/1.1", *fields, body=BODY + SMUGGLED)
    expect_refused(running, request.replace(b"X-Here: %", field), 400)


@pytest.mark.parametrize(
    "value", [b"caf\xc3\xa9", b"caf\xe9", b"a\tb", b"", b'"a, b"', b"x" * 5000]
)
def test_an_odd_value_is_no_reason_to_refuse(running: Door, client: Client, value: bytes) -> None:
    before = len(running.upstream.requests)
    request = raw(POST_CHAT, "X-Here: %", f"Content-Length: {LENGTH}", body=BODY)
    client.send(request.replace(b"X-Here: %", b"X-Here: " + value))
    expect_body(running, client, before, BODY)


@pytest.mark.parametrize("end", [b"\n", b"\r"])
@pytest.mark.parametrize("chunked", [False, True])
def test_other_line_ends_leave_no_doubt(running: Door, end: bytes, *, chunked: bool) -> None:
    before = len(running.upstream.requests)
    framing = CHUNKED if chunked else f"Content-Length: {LENGTH}"
    head = raw(POST_CHAT, framing, "Connection: close").replace(b"\r\n", end)
    with connect(running.base_url) as client:
        with suppress(ConnectionError):
            client.send(head + (CHUNKS if chunked else BODY) + SMUGGLED)
            if end == b"\r":
                client.end_sending()  # what has come may be the beginning of a line
        received = client.rest()
    bodies = [seen.body for seen in running.upstream.since(before)]
    if received.startswith(b"HTTP/1.1 200"):
        # Permitted (RFC 9112 section 2.2), as long as it is one request.
        assert (end, bodies) == (b"\n", [BODY])
    else:
        assert received == b"" or received.startswith(b"HTTP/1.1 400")
        assert bodies == []


UNDERSCORES_DROPPED = [
    *("session_id", "thread_id", "Conversation_Id", "x_session_affinity", "originator_", "_"),
    *("a_b_c", "X_Codex_Turn_Metadata", "OpenAI_Sentinel"),
]
UNDERSCORES_REFUSED = [
    *("content_length", "Content_Length", "transfer_encoding", "Transfer_Encoding"),
    *("content_type", "content_encoding", "api_key", "x_api_key", "X_Api_Key"),
    *("openai_organization", "OpenAI_Project", "proxy_authorization", "idempotency_key"),
]


@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS, FILES])
@pytest.mark.parametrize("name", UNDERSCORES_DROPPED)
def test_a_name_with_an_underscore_is_dropped(
    running: Door, client: Client, name: str, path: str
) -> None:
    before = len(running.upstream.requests)
    fields = (f"{name}: VALUE", f"Content-Length: {LENGTH}")
    client.send(raw(f"POST {path} HTTP/1.1", *fields, body=BODY))
    reply = client.reply()
    assert reply.status == 200, reply.body
    (seen,) = running.upstream.since(before)
    assert seen.body == BODY
    assert "VALUE" not in str(seen.fields)
    assert not any("_" in key for key, _ in seen.fields)


@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS])
@pytest.mark.parametrize("name", UNDERSCORES_REFUSED)
def test_a_name_that_could_be_taken_for_one_with_a_meaning_is_refused(
    running: Door, client: Client, name: str, path: str
) -> None:
    before = len(running.upstream.requests)
    request = raw(f"POST {path} HTTP/1.1", f"{name}: 5", f"Content-Length: {LENGTH}", body=BODY)
    client.send(request)
    reply = client.reply()
    assert (reply.status, reply.error["code"]) == (400, "invalid_header")
    assert name.lower() in reply.error["message"].lower()
    assert running.upstream.since(before) == []


# --- sizes ------------------------------------------------------------------------------------

TOO_LARGE_HEADS = {
    "a long target": (raw(f"GET {FILES}?{'a' * 9000} HTTP/1.1"), (414,)),
    "a very long target": (raw(f"GET {FILES}?{'a' * 100_000} HTTP/1.1"), (414, 431)),
    "many fields": (raw(OWN, *(f"X-{number}: a" for number in range(120))), (431,)),
    "a long field": (raw(OWN, f"X-A: {'a' * 70_000}"), (431,)),
    "long fields": (raw(OWN, *(f"X-{number}: {'a' * 7000}" for number in range(10))), (431,)),
    "a long name": (raw(OWN, f"X-{'a' * 70_000}: a"), (431,)),
    "no end": (raw(OWN, *(f"X-{number}: a" for number in range(50_000)))[:-2], (431,)),
    "a field without an end": (raw(OWN, f"X-A: {'a' * 5 * MEGABYTE}")[:-4], (431,)),
    "a target without an end": (b"GET /v1/" + b"a" * 5 * MEGABYTE, (414, 431)),
}


@pytest.mark.parametrize(
    ("request_", "statuses"), TOO_LARGE_HEADS.values(), ids=TOO_LARGE_HEADS.keys()
)
def test_a_head_that_is_too_large_is_refused(
    running: Door, request_: bytes, statuses: tuple[int, ...]
) -> None:
    before = len(running.upstream.requests)
    with connect(running.base_url) as client:
        with suppress(ConnectionError):
            client.send(request_)
        reply = client.reply()
        assert reply.status in statuses
        assert reply.error["message"]
    assert running.upstream.since(before) == []


def test_what_fits_is_served(running: Door, client: Client) -> None:
    fields = [f"X-{number}: {'a' * 600}" for number in range(90)]
    client.send(raw(OWN.replace("own", f"own?{'a' * 7000}"), *fields))
    assert client.reply().status == 200


@pytest.mark.parametrize(
    "request_",
    [
        raw(POST_CHAT, "Transfer-Encoding: gzip, chunked"),
        raw(POST_CHAT, "Content-Length: -1"),
        raw(POST_CHAT, CHUNKED, body=b"x\r\n"),
        raw("GET /v1/models HTTP/2.0"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 60,
        b"nonsense\r\n\r\n",
    ],
    ids=["coding", "length", "chunk", "version", "TLS", "nonsense"],
)
def test_what_is_not_http_is_refused_in_the_envelope(running: Door, request_: bytes) -> None:
    with connect(running.base_url) as client:
        client.send(request_)
        reply = client.reply()
        assert reply.status in (400, 501, 505)
        assert reply.error["type"] == "invalid_request_error"
        assert reply.error["message"]
        assert client.cut()
