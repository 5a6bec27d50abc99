"""When a client's own bytes are sent, and what becomes of its query and its header fields."""

from dataclasses import replace

import pytest

from gateway.exchange.calls.upstream_calls import fits_untouched, same_calls, upstream_call
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route, Source
from gateway.shapes import Shape
from tests import kinds

ROUTE = Route("openai", "m", "m", kinds.OPENAI, Shape.CHAT, (Shape.CHAT,), Source.CATALOGUE)


def asked(shape: Shape, body: bytes) -> GenerationRequest:
    return GenerationRequest.at(shape, body, ((b"content-type", b"text/plain"),), query=b"a=1")


@pytest.mark.parametrize(
    ("shape", "body", "fits"),
    [
        (Shape.CHAT, b'{"model": "m"}', True),
        (Shape.CHAT, b'{"model": "m", "seed": 1}', False),
        (Shape.RESPONSES, b'{"input": []}', True),
        (Shape.RESPONSES, b'{"encrypted_content": "egs1.x"}', False),
        (Shape.RESPONSES, b'{"input": [%b"egs1.y"]}' % (b'"egs2.x", ' * 10_000), False),
        (Shape.RESPONSES, b'{"input": ["egs1.y"%b]}' % (b', "egs2.x"' * 10_000), False),
        (Shape.RESPONSES, b'{"input": ["egs2.y"%b]}' % (b', "egs.1x"' * 10_000), True),
        (Shape.MESSAGES, b'{"messages": []}', True),
        (Shape.MESSAGES, b'{"messages": [{"signature": "gw1."}]}', False),
        (Shape.COMPLETIONS, b'{"prompt": ["a"]}', True),
    ],
)
def test_bytes_are_sent_as_they_are_where_nothing_need_change(
    shape: Shape, body: bytes, *, fits: bool
) -> None:
    watched = frozenset({"seed"})
    assert fits_untouched(asked(shape, body), ROUTE, shape, watched, None) is fits


def test_another_shape_or_name_needs_a_change() -> None:
    call = asked(Shape.CHAT, b"{}")
    assert not fits_untouched(call, ROUTE, Shape.RESPONSES, frozenset(), None)
    renamed = replace(ROUTE, model_sent="other")
    assert not fits_untouched(call, renamed, Shape.CHAT, frozenset(), None)


def test_a_changed_body_is_json_and_a_query_stays_with_its_maker() -> None:
    call = asked(Shape.CHAT, b"{}")
    own = upstream_call(call, ROUTE, Shape.CHAT, call.body)
    assert (own.client_headers, own.query) == (call.headers, b"a=1")
    other = upstream_call(call, ROUTE, Shape.MESSAGES, b"[]")
    assert (b"content-type", b"application/json") in other.client_headers
    assert (other.path, other.query) == ("/messages", b"")


def test_calls_are_the_same_where_they_say_the_same() -> None:
    call = upstream_call(asked(Shape.CHAT, b"{}"), ROUTE, Shape.CHAT, b"{}")
    assert same_calls([call], [call.copy(resends=1, address="http://127.0.0.1:1")])
    for other in (
        call.copy(body=b"[]"),
        call.copy(path="/completions"),
        call.copy(query=b""),
        call.copy(client_headers=()),
    ):
        assert not same_calls([call], [other])
    assert not same_calls([call], [call, call])
