"""What the words of `gateway.shapes` promise to the layers that use them."""

import gc
from collections.abc import AsyncIterator

import pytest

from gateway.shapes import (
    ClientHeaders,
    ItemNames,
    RawHeaders,
    RepeatedFields,
    ReplyHeaders,
    UpstreamCall,
)


@pytest.mark.parametrize(
    ("path", "client"),
    [
        ("input[0]", "previous_response_id"),
        ("input[0].content[1].text", "previous_response_id"),
        ("input[1].content[1].text", "input[0].content[1].text"),
        ("input[2].role", "input[1]"),
        ("input[3]", "input"),
        ("input", "input"),
        ("include[input[0]]", "include[input[0]]"),
        ("tools[0]", "tools[0]"),
        ("", ""),
    ],
)
def test_items_have_the_names_that_the_client_gave_them(path: str, client: str) -> None:
    assert ItemNames(["previous_response_id", 0, "input[1]"]).client_path(path) == client


def test_client_headers_are_the_fields_and_carry_what_was_derived_from_them() -> None:
    fields: RawHeaders = ((b"host", b"a"), (b"accept", b"*/*"), (b"accept", b"text/html"))
    headers = ClientHeaders(fields)
    key = object()
    headers.derived[key] = b"made of them"

    assert headers == fields
    assert headers.derived == {key: b"made of them"}


def test_equal_client_headers_do_not_share_what_was_derived() -> None:
    first, second = ClientHeaders(((b"host", b"a"),)), ClientHeaders(((b"host", b"a"),))
    first.derived["fingerprint"] = "of the first"

    assert second.derived == {}


def test_a_call_shows_neither_its_body_nor_its_fields() -> None:
    fields = ((b"authorization", b"Bearer a secret"),)
    call = UpstreamCall("local", "POST", "/chat/completions", b"a secret", b"a secret", fields)
    assert repr(call.copy(trace=fields)) == "UpstreamCall('local', 'POST', '/chat/completions')"


def test_a_copy_of_a_call_differs_in_what_was_changed_only() -> None:
    call = UpstreamCall("local", "POST", "/chat/completions", b"{}", resends=2)
    copied = call.copy(body=b"[]")
    assert copied == UpstreamCall("local", "POST", "/chat/completions", b"[]", resends=2)
    assert call.copy() == call != copied


async def _pieces() -> AsyncIterator[bytes]:
    yield b""


def test_the_garbage_collector_sees_a_call_that_could_be_part_of_a_cycle() -> None:
    assert gc.is_tracked(UpstreamCall("local", "POST", "/files", _pieces()))


def test_replies_that_differ_in_their_lengths_share_what_is_derived_from_the_others() -> None:
    repeated = RepeatedFields(((b"x-a", b"1"),), ((b"x-b", b"2"),))
    short, long = ReplyHeaders(repeated, b"0"), ReplyHeaders(repeated, b"0012")
    assert list(short) == [(b"x-a", b"1"), (b"content-length", b"0"), (b"x-b", b"2")]
    assert list(long) == [(b"x-a", b"1"), (b"content-length", b"0012"), (b"x-b", b"2")]
    assert (short.length, long.length, long.digits) == (0, 12, b"0012")
    short.repeated.derived["lines"] = b"of both"
    assert long.repeated.derived == {"lines": b"of both"}
    assert RepeatedFields((), ()).derived == {}


def test_the_fields_of_a_reply_are_used_like_a_tuple() -> None:
    repeated = RepeatedFields(((b"x-a", b"1"),), ((b"x-b", b"2"),))
    fields: RawHeaders = ReplyHeaders(repeated, b"7")
    same: RawHeaders = ReplyHeaders(repeated, b"7")
    shown: RawHeaders = ((b"x-a", b"1"), (b"content-length", b"7"), (b"x-b", b"2"))
    assert (len(fields), fields[1], fields[1:]) == (3, shown[1], shown[1:])
    assert [fields == each for each in (shown, same, list(shown))] == [True] * 3
    assert [shown == fields, hash(shown) == hash(fields)] == [True] * 2
    assert fields not in (ReplyHeaders(repeated, b"8"), shown[:2], 7)


def test_only_a_call_that_is_not_streamed_has_a_whole_body() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"{}"

    assert UpstreamCall("u", "POST", "/chat/completions", b"{}").whole_body == b"{}"
    with pytest.raises(TypeError, match="streamed"):
        _ = UpstreamCall("u", "POST", "/files", pieces()).whole_body
