from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import hops, request_ids
from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, UpstreamSettings
from gateway.errors import InvalidRequest
from gateway.headers import ACCOUNT_HEADERS
from gateway.shapes import ClientHeaders, RawHeaders, UpstreamCall
from gateway.upstream.credentials import Callers, Credentials
from gateway.upstream.headers import (
    FORWARDED,
    OutgoingHeaders,
    field_lines,
    framing,
)
from tests import kinds

PLAIN = UpstreamSettings("local", "http://local/v1", credential=CredentialPolicy.NONE)
CALLERS = replace(PLAIN, credential=CredentialPolicy.CALLER)


def call(headers: RawHeaders, model: str | None = None) -> UpstreamCall:
    return UpstreamCall("local", "POST", "/x", client_headers=headers, model=model)


def outgoing(
    upstream: UpstreamSettings, *headers: tuple[bytes, bytes], path: str = "/x"
) -> dict[bytes, bytes]:
    made = OutgoingHeaders(upstream, Credentials(upstream), b"local")
    sent = made.outgoing(call(headers).copy(path=path))
    assert len(dict(sent)) == len(sent)
    return dict(sent)


ALWAYS = {b"host": b"local", b"accept-encoding": b"identity", hops.HEADER: hops.MARK}


def test_what_is_on_the_list_goes_out() -> None:
    client = {
        b"content-type": b"application/json",
        b"accept": b"text/event-stream",
        b"user-agent": b"OpenAI/Python 2",
        b"openai-beta": b"assistants=v2",
        b"openai-safety-identifier": b"u",
        b"idempotency-key": b"i",
        b"x-client-request-id": b"c",
        b"x-request-id": b"r",
        b"traceparent": b"00-1",
        b"tracestate": b"a=b",
        b"x-stainless-lang": b"python",
    }
    assert outgoing(PLAIN, *client.items()) == {**ALWAYS, **client}


def test_a_calls_own_trace_context_goes_out() -> None:
    trace: RawHeaders = ((b"traceparent", b"00-2"), (b"tracestate", b"a=b"))
    call = UpstreamCall("local", "POST", "/chat/completions", trace=trace)
    made = OutgoingHeaders(PLAIN, Credentials(PLAIN), b"local")
    assert dict(made.outgoing(call)) == {**ALWAYS, **dict(trace)}
    assert made.lines(call).endswith(b"traceparent: 00-2\r\ntracestate: a=b\r\n")
    fixed = replace(PLAIN, headers=(("traceparent", Secret("00-3")),))
    made = OutgoingHeaders(fixed, Credentials(fixed), b"local")
    assert b"traceparent" not in made.lines(call)
    assert made.lines(call).endswith(b"tracestate: a=b\r\n")


@pytest.mark.parametrize(
    "name",
    [
        b"cookie",
        b"authorization",
        b"api-key",
        b"openai-organization",
        b"openai-project",
        b"x-forwarded-for",
        b"forwarded",
        b"host",
        b"accept-encoding",
        b"content-length",
        b"transfer-encoding",
        b"te",
        b"upgrade",
        b"expect",
        b"range",
        b"x-anything",
        b"x-gateway-debug",
    ],
)
def test_what_is_not_on_the_list_stays(name: bytes) -> None:
    assert outgoing(PLAIN, (name, b"theirs")) == ALWAYS


def test_an_upstream_can_be_given_more() -> None:
    upstream = replace(PLAIN, forward_headers=("X-Session",))
    assert outgoing(upstream, (b"x-session", b"s")) == {**ALWAYS, b"x-session": b"s"}


def test_what_connection_names_is_about_this_hop_only() -> None:
    client = ((b"connection", b"close, X-Request-ID"), (b"x-request-id", b"r"), (b"accept", b"*"))
    assert outgoing(PLAIN, *client) == {**ALWAYS, b"accept": b"*"}


def test_connection_cannot_take_the_credential_away() -> None:
    client = (
        (b"connection", b"authorization, openai-project"),
        (b"authorization", b"Bearer k"),
        (b"openai-project", b"p"),
    )
    assert outgoing(CALLERS, *client) == {
        **ALWAYS,
        b"authorization": b"Bearer k",
        b"openai-project": b"p",
    }


def test_configured_headers_win_over_the_clients() -> None:
    fixed = (("User-Agent", Secret("ours")), ("X-Key", Secret("k")))
    upstream = replace(PLAIN, headers=fixed)
    assert outgoing(upstream, (b"user-agent", b"theirs"), (b"x-stainless-os", b"Linux")) == {
        **ALWAYS,
        b"user-agent": b"ours",
        b"x-key": b"k",
        b"x-stainless-os": b"Linux",
    }


def test_a_configured_account_goes_with_the_callers_key() -> None:
    upstream = replace(CALLERS, headers=(("OpenAI-Project", Secret("ours")),))
    client = ((b"authorization", b"Bearer k"), (b"openai-project", b"theirs"))
    assert outgoing(upstream, *client) == {
        **ALWAYS,
        b"openai-project": b"ours",
        b"authorization": b"Bearer k",
    }


@pytest.mark.parametrize("bad", [b"a\r\nX-Evil: 1", b"a\nb", b"a\0b", b"a\x7f"])
def test_control_characters_are_refused(bad: bytes) -> None:
    with pytest.raises(InvalidRequest, match="'accept' contains a control character"):
        outgoing(PLAIN, (b"accept", bad))
    with pytest.raises(InvalidRequest, match="'authorization'"):
        outgoing(CALLERS, (b"authorization", b"Bearer " + bad))


@pytest.mark.parametrize("bad", [b"x-stainless-a: b", b"x-stainless-\r\na", b"x-stainless-\xe9"])
def test_a_forwarded_prefix_does_not_let_bad_names_through(bad: bytes) -> None:
    with pytest.raises(InvalidRequest, match="bad name"):
        outgoing(PLAIN, (bad, b"1"))


def test_a_tab_in_a_value_is_not_a_control_character() -> None:
    assert outgoing(PLAIN, (b"accept", b"a\tb"))[b"accept"] == b"a\tb"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"accept",
                    b"x-stainless-x",
                    b"cookie",
                    b"connection",
                    b"api-key",
                    b"openai-project",
                ]
            )
            | st.binary(max_size=8),
            st.binary(max_size=20),
        ),
        max_size=6,
    )
)
def test_whatever_comes_in_only_clean_fields_go_out(client: list[tuple[bytes, bytes]]) -> None:
    headers = OutgoingHeaders(CALLERS, Credentials(CALLERS), b"local")
    allowed = FORWARDED | ACCOUNT_HEADERS | set(ALWAYS) | {b"authorization"}
    try:
        sent = headers.outgoing(call(tuple(client)))
    except InvalidRequest:
        return
    for name, value in sent:
        assert not set(b"\r\n\0") & set(name + value)
        assert name in allowed or name.startswith(b"x-stainless-")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"headers": (("Content-Length", Secret("1")),)}, "is set by the gateway"),
        ({"headers": (("X-Gateway-Hops", Secret("1")),)}, "is set by the gateway"),
        ({"headers": (("Host", Secret("virtual")),)}, "is set by the gateway"),
        ({"headers": (("Accept-Encoding", Secret("gzip")),)}, "is set by the gateway"),
        ({"forward_headers": ("X-Gateway-Hops",)}, "never forwarded"),
        ({"headers": (("Bad Name", Secret("1")),)}, "is not a header name"),
        ({"headers": (("X-A", Secret("a\nb")),)}, "control character"),
        ({"headers": (("X-A", Secret("€")),)}, "not Latin-1"),
        ({"forward_headers": ("Cookie",)}, "never forwarded"),
        ({"forward_headers": ("Authorization",)}, "never forwarded"),
        ({"forward_headers": ("X-Forwarded-For",)}, "never forwarded"),
        ({"forward_headers": ("",)}, "is not a header name"),
    ],
)
def test_settings_that_cannot_be_sent_are_refused(
    changes: dict[str, object], complaint: str
) -> None:
    upstream = replace(PLAIN, **changes)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=complaint) as caught:
        OutgoingHeaders(upstream, Credentials(upstream), b"local")
    assert "'local'" in str(caught.value)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (UpstreamCall("u", "GET", "/"), ()),
        (UpstreamCall("u", "DELETE", "/"), ()),
        (UpstreamCall("u", "POST", "/"), ((b"content-length", b"0"),)),
        (UpstreamCall("u", "GET", "/", b"abc"), ((b"content-length", b"3"),)),
    ],
)
def test_a_body_is_announced_by_its_length(call: UpstreamCall, expected: RawHeaders) -> None:
    assert framing(call) == expected


def test_an_azure_upstream_gets_the_callers_key_in_its_own_field() -> None:
    azure = replace(CALLERS, kind=kinds.AZURE)
    assert outgoing(azure, (b"authorization", b"Bearer k")) == {**ALWAYS, b"api-key": b"k"}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [b"accept", b"connection", b"authorization", b"x-stainless-os", b"host", b"x bad"]
            ),
            st.sampled_from([b"1", b"Bearer k", b"accept", b"a\r\nb", b""]),
        ),
        max_size=5,
    )
)
def test_the_lines_kept_with_a_clients_headers_are_those_of_its_fields(
    client: list[tuple[bytes, bytes]],
) -> None:
    headers = OutgoingHeaders(CALLERS, Credentials(CALLERS), b"local")
    plain, kept = tuple(client), ClientHeaders(client)

    def lines(fields: RawHeaders) -> bytes | str:
        try:
            return headers.lines(call(fields))
        except InvalidRequest as error:
            return error.message

    try:
        expected: bytes | str = field_lines(headers.from_client(plain))
    except InvalidRequest as error:
        expected = error.message  # it is not kept, but found again
    assert [lines(plain), lines(kept), lines(kept)] == [expected] * 3


def test_what_is_kept_for_one_upstream_is_not_sent_to_another() -> None:
    ours = replace(CALLERS, credential=CredentialPolicy.KEY, api_key=Secret("ours"))
    kept = ClientHeaders(((b"authorization", b"Bearer theirs"),))
    lines = [
        OutgoingHeaders(upstream, Credentials(upstream), b"local").lines(call(kept))
        for upstream in (CALLERS, ours, PLAIN)
    ]
    mark = field_lines([(hops.HEADER, hops.MARK)])
    assert lines == [
        b"authorization: Bearer theirs\r\n" + mark,
        b"authorization: Bearer ours\r\n" + mark,
        mark,
    ]


def test_control_characters_are_all_that_is_refused_in_a_value() -> None:
    headers = OutgoingHeaders(PLAIN, Credentials(PLAIN), b"local")
    for value in (bytes([number]) for number in range(256)):
        client = ((b"accept", value),)
        if value == b"\x7f" or (value < b" " and value != b"\t"):
            with pytest.raises(InvalidRequest):
                headers.from_client(client)
        else:
            assert headers.from_client(client)[:-1] == list(client)


@pytest.mark.parametrize(
    ("came", "sent"),
    [
        ([], []),
        ([b"0123456789abcdef"], [b"0123456789abcdef"]),
        (
            [b"0123456789abcdef, 00", b"fedcba9876543210"],
            [b"0123456789abcdef", b"fedcba9876543210"],
        ),
        ([b"anything else", b"", b"a\nb", b"0123456789ABCDEF"], []),
    ],
)
def test_the_gateways_passed_are_sent_on_and_nothing_else_in_their_place(
    came: list[bytes], sent: list[bytes]
) -> None:
    fields = [(hops.HEADER, value) for value in came]
    outgoing_fields = outgoing(PLAIN, *fields, (b"connection", hops.HEADER))
    assert outgoing_fields == {**ALWAYS, hops.HEADER: b", ".join([*sent, hops.MARK])}


def test_the_gateways_passed_are_not_a_credential() -> None:
    credentials = Credentials(CALLERS)
    key = (b"authorization", b"Bearer k")
    passed = (hops.HEADER, b"0123456789abcdef")
    assert credentials.headers((key, passed)) == (key,)
    assert credentials.fingerprint((key, passed)) == credentials.fingerprint((key,))
    assert Callers([credentials]).digest((key, passed)) == Callers([credentials]).digest((key,))


def test_the_gateways_own_id_of_a_request_goes_out_unless_one_is_configured() -> None:
    fixed = replace(PLAIN, headers=(("X-Request-Id", Secret("always")),))
    token = request_ids.OUTGOING.set(request_ids.header_line("new-1"))
    try:
        assert outgoing(PLAIN)[request_ids.HEADER] == b"new-1"
        assert outgoing(fixed)[request_ids.HEADER] == b"always"
        for upstream, lines in ((PLAIN, b"x-request-id: new-1\r\n"), (fixed, b"")):
            headers = OutgoingHeaders(upstream, Credentials(upstream), b"local")
            assert headers.lines(call(ClientHeaders())).endswith(lines)
    finally:
        request_ids.OUTGOING.reset(token)


@pytest.mark.parametrize(
    ("model", "value"),
    [
        ("gpt-4o", b"gpt-4o"),
        ("ft:gpt-4o:a b", b"ft:gpt-4o:a b"),
        ("modèle", b"mod%C3%A8le"),
        ("", None),
        (None, None),
    ],
)
def test_a_header_names_the_model_where_one_is_configured(
    model: str | None, value: bytes | None
) -> None:
    upstream = replace(PLAIN, model_header="x-model", forward_headers=("x-model", "x-a"))
    headers = OutgoingHeaders(upstream, Credentials(upstream), b"local")
    made = call(((b"x-model", b"the client's"), (b"x-a", b"1")), model)
    sent = [field for field in headers.outgoing(made) if field[0] == b"x-model"]
    assert sent == ([] if value is None else [(b"x-model", value)])
    lines = headers.lines(made).split(b"\r\n")
    assert [line for line in lines if line.startswith(b"x-model")] == (
        [] if value is None else [b"x-model: " + value]
    )
    assert b"x-a: 1" in lines


ANTHROPICS = {
    b"anthropic-version": b"2026-10-21",
    b"anthropic-beta": b"effort-2025-11-24,new",
    b"anthropic-workspace-id": b"w",
    b"anthropic-anything": b"a",
    b"x-claude-code-session-id": b"s",
    b"x-claude-code-agent-id": b"1",
}
ANTHROPIC = replace(PLAIN, kind=kinds.ANTHROPIC)
DEFAULT_VERSION = {b"anthropic-version": b"2023-06-01"}


@pytest.mark.parametrize("path", ["/messages", "/messages/count_tokens", "/messages/batches"])
def test_fields_of_anthropics_api_go_to_its_endpoints_only(path: str) -> None:
    client = (*ANTHROPICS.items(), (b"anthropic-dangerous-direct-browser-access", b"true"))
    assert outgoing(PLAIN, *client, path=path) == {**ALWAYS, **ANTHROPICS}
    assert outgoing(PLAIN, *client, path="/chat/completions") == ALWAYS
    assert outgoing(PLAIN, *client, path="/models") == ALWAYS
    # There each request is for that API.
    assert outgoing(ANTHROPIC, *client, path="/models") == {**ALWAYS, **ANTHROPICS}


def test_a_version_is_added_only_where_the_client_has_sent_none() -> None:
    assert outgoing(PLAIN, path="/messages") == {**ALWAYS, **DEFAULT_VERSION}
    assert outgoing(ANTHROPIC, path="/files") == {**ALWAYS, **DEFAULT_VERSION}
    fixed = replace(PLAIN, headers=(("Anthropic-Version", Secret("ours")),))
    for client in ((), ((b"anthropic-version", b"theirs"),)):
        assert outgoing(fixed, *client, path="/messages")[b"anthropic-version"] == b"ours"
    given_ = replace(PLAIN, forward_headers=("anthropic-version",))
    theirs = (b"anthropic-version", b"theirs")
    assert outgoing(given_, theirs, path="/messages") == {**ALWAYS, **dict([theirs])}
    assert outgoing(given_, theirs) == {**ALWAYS, **dict([theirs])}


def test_what_connection_names_is_not_for_messages_either() -> None:
    client = ((b"connection", b"anthropic-beta"), (b"anthropic-beta", b"b"))
    assert outgoing(PLAIN, *client, path="/messages") == {**ALWAYS, **DEFAULT_VERSION}


def test_the_lines_of_both_apis_are_kept_apart() -> None:
    made = OutgoingHeaders(PLAIN, Credentials(PLAIN), b"local")
    kept = ClientHeaders(ANTHROPICS.items())
    for _ in range(2):
        to_messages = made.lines(call(kept).copy(path="/messages"))
        to_chat = made.lines(call(kept).copy(path="/chat/completions"))
        assert b"anthropic-beta: effort" in to_messages
        assert b"anthropic" not in to_chat
        assert b"claude" not in to_chat
    assert to_messages == made.lines(call(tuple(kept)).copy(path="/messages"))


def test_a_server_that_may_be_anthropics_gets_the_key_in_both_places() -> None:
    both = {b"authorization": b"Bearer k", b"x-api-key": b"k"}
    for client in ((b"x-api-key", b"k"), (b"authorization", b"Bearer k")):
        sent = outgoing(CALLERS, client, path="/messages")
        assert sent == {**ALWAYS, **DEFAULT_VERSION, **both}
        assert outgoing(CALLERS, client) == {**ALWAYS, b"authorization": b"Bearer k"}
