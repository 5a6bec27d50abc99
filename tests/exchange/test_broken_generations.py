"""Generations that broke off, by the word that they ended with, for clients of other endpoints."""

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Shape
from tests.exchange.reply.test_whole_body import ask
from tests.fakes import EVENT_STREAM, FakeReply
from tests.faults.payloads import DONE, dumped, events, framed, piece, spoiled

MOVED = [
    (client, home)
    for home in (Shape.CHAT, Shape.COMPLETIONS, Shape.MESSAGES)
    for client in Shape
    if client is not home
]
JSON = ((b"content-type", b"application/json"),)
BROKE_OFF = "finish_reason 'cancelled'"


@pytest.mark.parametrize(("client", "home"), MOVED)
def test_it_is_an_error_however_much_text_there_is(client: Shape, home: Shape) -> None:
    reply = FakeReply(200, JSON, [dumped(spoiled(home, "ending", "cancelled"))])
    with pytest.raises(UpstreamError, match=BROKE_OFF):
        ask(client, home, reply, stream=False)


@pytest.mark.parametrize(("client", "home"), MOVED)
def test_and_so_it_is_in_a_stream(client: Shape, home: Shape) -> None:
    pieces = [framed(home, piece(home, "Hel")), framed(home, piece(home, None, finish="cancelled"))]
    if home is Shape.MESSAGES:
        pieces = [each.replace(b'"end_turn"', b'"cancelled"') for each in events(home)]
    result = ask(client, home, FakeReply(200, EVENT_STREAM, [*pieces, DONE]), stream=True)
    last = result.events[-1]
    if client is Shape.RESPONSES:
        assert last["type"] == "response.failed"
        last = last["response"]
    assert "[DONE]" not in result.events
    assert BROKE_OFF in last["error"]["message"]


@pytest.mark.parametrize("client", [Shape.CHAT, Shape.COMPLETIONS])
def test_an_incomplete_response_that_was_cut_off_by_no_limit_is_one_too(client: Shape) -> None:
    body = spoiled(Shape.RESPONSES, "ending", "incomplete")
    body["incomplete_details"] = {"reason": "cancelled"}
    with pytest.raises(UpstreamError, match=BROKE_OFF):
        ask(client, Shape.RESPONSES, FakeReply(200, JSON, [dumped(body)]), stream=False)
    body["incomplete_details"] = {"reason": "max_time"}
    result = ask(client, Shape.RESPONSES, FakeReply(200, JSON, [dumped(body)]), stream=False)
    assert result.json["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(("word", "meaning"), [("length", "length"), ("SAFETY", "content_filter")])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("client", [Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES])
def test_a_message_may_end_with_words_of_chat(
    client: Shape, stream: bool, word: str, meaning: str
) -> None:
    home = Shape.MESSAGES
    answer = FakeReply(200, JSON, [dumped(spoiled(home, "ending", word))])
    if stream:
        ended = [each.replace(b"end_turn", word.encode()) for each in events(home)]
        answer = FakeReply(200, EVENT_STREAM, ended)
    result = ask(client, home, answer, stream=stream)
    if client is Shape.RESPONSES:
        response = result.events[-1]["response"] if stream else result.json
        assert response["status"] == "incomplete"
    else:
        last = result.events[-2] if stream else result.json
        assert last["choices"][0]["finish_reason"] == meaning
