"""Translations of agents' requests, whichever shapes they join."""

import gc
import json
import weakref
from itertools import cycle, product

import pytest
from msgspec.json import decode, encode

from gateway.errors import UpstreamError
from gateway.fast.agents import numbers
from gateway.fast.agents.codec import AgentCodec, AgentTranslation
from gateway.fast.agents.from_chat.chat_requests import read_chat_request
from gateway.fast.agents.from_chat.chat_via_responses import encode_agents
from gateway.fast.agents.uncommon import UNCOMMON
from gateway.fast.pairs import pair_paths
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.stream.sse import SSEDecoder, encode_events
from tests.fast.agents import chat_traffic, messages_agents, responses_traffic
from tests.fast.agents.both import admitted
from tests.fast.agents.chat_traffic import FULL
from tests.fast.agents.messages_contexts import CONTEXTS
from tests.fast.both_paths import changed
from tests.fast.codecs.test_chat_via_responses import REPLY, make_context

WITHOUT_REPLIES = AgentCodec(Shape.CHAT, Shape.RESPONSES, read_chat_request, encode_agents)


def made(body: Json) -> AgentTranslation:
    translation = WITHOUT_REPLIES.translation(encode(body), make_context())
    assert translation is not None
    return translation


def test_replies_are_folded_without_a_codec_for_them() -> None:
    translation = made(FULL)
    assert translation.decode_reply(encode(REPLY)) is None
    before = translation.fell_back
    assert translation.reply([REPLY])["choices"][0]["message"]["content"] == "Hi."
    assert (before, translation.fell_back) == (False, True)
    with pytest.raises(UpstreamError):
        translation.reply([{}])


def test_so_are_streams() -> None:
    stream = made({**FULL, "stream": True}).stream()
    assert stream.feed(0, {"type": "response.completed", "response": REPLY})


def test_what_is_sent_can_be_had_decoded() -> None:
    translation = made(FULL)
    assert translation.calls == [decode(translation.sent)]
    assert translation.header == "from=chat; to=responses"
    assert translation.client_param(0, "input[1].content") == "messages[1].content"


class Watched(AgentTranslation):
    """A translation whose end can be seen."""

    __slots__ = ("__weakref__",)


def test_it_is_freed_with_its_last_user_and_not_by_the_garbage_collector() -> None:
    body, context = encode(FULL), make_context()
    encoded = encode_agents(read_chat_request(body), context)
    gc.disable()
    try:
        watched = Watched(WITHOUT_REPLIES, body, encoded, context)
        assert watched.reply([REPLY])
        assert watched.client_param(0, "model") == "model"
        ended = weakref.ref(watched)
        del watched
        assert ended() is None
    finally:
        gc.enable()


def test_what_is_not_admitted_is_the_generic_paths() -> None:
    assert WITHOUT_REPLIES.translation(encode({**FULL, "own": 1}), make_context()) is None
    assert WITHOUT_REPLIES.translation(encode({**FULL, "n": 2}), make_context()) is None


BODIES = {
    Shape.CHAT: FULL,
    Shape.RESPONSES: responses_traffic.FULL,
    Shape.MESSAGES: messages_agents.FULL,
}


ODD = {
    Shape.CHAT: chat_traffic.ODD,
    Shape.RESPONSES: responses_traffic.ODD,
    Shape.MESSAGES: messages_agents.ODD,
}

each_pair = pytest.mark.parametrize(
    ("client", "home"),
    [(client, home) for client in BODIES for home in BODIES if client is not home],
)


@each_pair
def test_requests_stay_as_they_were_read(client: Shape, home: Shape) -> None:
    contexts = [*(CONTEXTS if home is Shape.MESSAGES else messages_agents.CONTEXTS).values()]
    bodies = [changed(BODIES[client], [change]) for change in ODD[client]]
    cases = [*product(contexts, [BODIES[client]]), *zip(cycle(contexts), bodies)]
    kept = [_sent_twice(client, home, context, encode(body)) for context, body in cases]
    assert kept.count(True) > len(kept) // 3


def _sent_twice(client: Shape, home: Shape, context: Context, body: bytes) -> bool:
    """Check that a request can be read once and sent twice; return whether it is admitted."""
    codec = pair_paths(client, home, context).agents
    assert codec is not None
    try:
        read = codec.read(body)
    except UNCOMMON:
        return False
    written = numbers.encode(read)
    first, again = (codec.translation(body, context, read) for _ in range(2))
    assert numbers.encode(read) == written
    if first is None or again is None:
        return False
    first.stream()
    assert first.client_param(0, "own") == again.client_param(0, "own")
    assert (first.sent, first.header) == (again.sent, again.header)
    assert numbers.encode(read) == written
    return True


@each_pair
def test_requests_of_many_lines_have_events_of_one(client: Shape, home: Shape) -> None:
    context = CONTEXTS["Claude"] if home is Shape.MESSAGES else make_context()
    written = json.dumps({**BODIES[client], "stream": True}, indent="\t").replace("\n", "\r\n")
    translation = admitted(client, home, written.encode(), context)
    assert translation is not None
    stream = translation.stream()
    events = [*stream.feed(0, BEGUN[home]), *stream.fail(UpstreamError("Gone."))]
    assert events
    read = SSEDecoder().feed(encode_events(client, events))
    assert [decode(each.data) for each in read] == [decode(encode(each)) for each in events]


BEGUN: dict[Shape, Json] = {
    Shape.CHAT: {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi."}}]},
    Shape.RESPONSES: {"type": "response.created", "response": {**REPLY, "output": []}},
    Shape.MESSAGES: {
        "type": "message_start",
        "message": {"id": "m", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}},
    },
}
