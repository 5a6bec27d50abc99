"""What the first bytes of a body say that it is."""

import pytest

from gateway.errors import UpstreamError
from gateway.exchange.reply.opening import Opening, check_reply
from gateway.exchange.reply.reading import Allowance
from gateway.shapes import Json, Shape

EVENTS = [b"data: {}\n\n", b": hello\n\n", b"event: x\ndata: 1\n\n", b"\xef\xbb\xbfdata:1\n\n"]
EVENTS += [b"\r\n\nid: 5\n", b"retry: 1\n", b"data:"]
WHOLES = [b'{"a": 1}', b"[1]", b" \r\n\t{}", b"\xef\xbb\xbf{}"]
NEITHER = [b"<html>", b"hello", b"date: 1", b"events", b"x: y"]
UNKNOWN = [b"", b"da", b"event", b"\n\n", b"\xef\xbb\xbf", b" "]


def pieces(body: bytes) -> tuple[list[bytes], list[bytes]]:
    return [body], [body[i : i + 1] for i in range(len(body))]


def opened(body: list[bytes], *, labelled: bool) -> tuple[bytes, tuple[bytes, bool]]:
    opening = Opening(Allowance(), labelled=labelled)
    given = b""
    for piece in body:
        # Once something was given the opening is done with.
        given += opening.take(piece) if not given else piece
    return given, opening.end()


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("body", EVENTS)
def test_events_are_given_on_whatever_their_label(body: bytes, labelled: bool) -> None:
    for each in pieces(body):
        assert opened(each, labelled=labelled)[0] == body


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("body", WHOLES)
def test_json_is_kept_to_its_end_whatever_its_label(body: bytes, labelled: bool) -> None:
    for each in pieces(body):
        assert opened(each, labelled=labelled) == (b"", (body, False))


@pytest.mark.parametrize("body", NEITHER)
def test_what_is_neither_is_what_its_label_says(body: bytes) -> None:
    for each in pieces(body):
        assert opened(each, labelled=False) == (b"", (body, False))
        assert opened(each, labelled=True)[0] == body


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("body", UNKNOWN)
def test_too_little_is_what_its_label_says_at_the_end(body: bytes, labelled: bool) -> None:
    for each in pieces(body):
        assert opened(each, labelled=labelled) == (b"", (body, labelled))


def test_a_body_is_kept_up_to_a_limit() -> None:
    opening = Opening(Allowance(10))
    assert opening.take(b"{") == b""
    with pytest.raises(UpstreamError, match="larger than 10 bytes"):
        opening.take(b" " * 10)


@pytest.mark.parametrize(
    ("home", "reply", "name"),
    [
        (Shape.CHAT, {"choices": []}, None),
        (Shape.COMPLETIONS, {"choices": None}, "choices"),
        (Shape.RESPONSES, {"output": [1]}, None),
        (Shape.RESPONSES, {"choices": []}, "output"),
    ],
)
def test_json_without_a_result_is_not_a_reply(home: Shape, reply: Json, name: str | None) -> None:
    if name is None:
        check_reply(home, reply, b"")
        return
    with pytest.raises(UpstreamError, match=f"without '{name}': body"):
        check_reply(home, reply, b"body")
