"""An operator's betas and a client's, which one field has."""

from dataclasses import replace

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, UpstreamSettings
from gateway.shapes import ClientHeaders, RawHeaders, UpstreamCall
from gateway.upstream.credentials import Credentials
from gateway.upstream.headers import OutgoingHeaders, field_lines
from gateway.upstream.list_fields import ListFields
from tests import kinds

PLAIN = UpstreamSettings("local", "http://local/v1", credential=CredentialPolicy.NONE)


def sent(
    upstream: UpstreamSettings, *client: tuple[bytes, bytes], path: str = "/messages"
) -> RawHeaders:
    """Return the fields that an upstream gets, which are the same written as lines."""
    made = OutgoingHeaders(upstream, Credentials(upstream), b"local")
    kept = ClientHeaders(client)
    fields = []
    for headers in (kept, kept, client):
        call = UpstreamCall("local", "POST", path, client_headers=headers)
        fields = made.outgoing(call)
        assert field_lines(fields) == field_lines(made.fixed) + made.lines(call)
    return tuple(fields)


def betas(fields: RawHeaders, name: bytes = b"anthropic-beta") -> list[bytes]:
    return [value for known, value in fields if known == name]


@pytest.mark.parametrize(
    ("given", "joined"),
    [
        ([], b"context-1m"),
        ([b"thinking-x"], b"context-1m,thinking-x"),
        ([b"a, context-1m ,b", b" b,c,"], b"context-1m,a,b,c"),
        ([b""], b"context-1m"),
    ],
)
def test_configured_betas_are_joined_with_the_clients(given: list[bytes], joined: bytes) -> None:
    upstream = replace(PLAIN, headers=(("Anthropic-Beta", Secret("context-1m")),))
    client = [(b"anthropic-beta", value) for value in given]
    assert betas(sent(upstream, *client)) == [joined]
    # Elsewhere a client's are not forwarded.
    assert betas(sent(upstream, *client, path="/chat/completions")) == [b"context-1m"]
    of_its_own = replace(upstream, kind=kinds.ANTHROPIC)
    assert betas(sent(of_its_own, *client, path="/models")) == [joined]


def test_what_is_configured_counts_where_both_give_a_value() -> None:
    upstream = replace(PLAIN, headers=(("openai-beta", Secret("assistants=v2")),))
    client = (b"openai-beta", b"responses_websockets=2026-02-06, assistants=v1")
    joined = [b"assistants=v2,responses_websockets=2026-02-06"]
    assert betas(sent(upstream, client, path="/chat/completions"), b"openai-beta") == joined


def test_an_empty_list_takes_the_place_of_the_clients() -> None:
    upstream = replace(PLAIN, headers=(("anthropic-beta", Secret(" , ")),))
    assert betas(sent(upstream, (b"anthropic-beta", b"x"))) == [b","]


def test_a_client_cannot_take_configured_betas_away() -> None:
    upstream = replace(PLAIN, headers=(("anthropic-beta", Secret("ours")),))
    client = ((b"connection", b"anthropic-beta"), (b"anthropic-beta", b"theirs"))
    assert betas(sent(upstream, *client)) == [b"ours"]


def test_other_configured_fields_are_not_lists() -> None:
    assert (b"accept", b"a") not in ListFields(((b"accept", b"a"),))
    upstream = replace(PLAIN, headers=(("accept", Secret("a")), ("user-agent", Secret("u"))))
    fields = dict(sent(upstream, (b"accept", b"b"), (b"user-agent", b"c")))
    assert (fields[b"accept"], fields[b"user-agent"]) == (b"a", b"u")
