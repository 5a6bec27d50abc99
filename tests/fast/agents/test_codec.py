"""Translations of agents' requests, whichever shapes they join."""

import gc
import weakref

import pytest
from msgspec.json import decode, encode

from gateway.errors import UpstreamError
from gateway.fast.agents.chat_via_responses import encode_agents
from gateway.fast.agents.codec import AgentCodec, AgentTranslation
from gateway.shapes import Json, Shape
from tests.fast.agents.chat_traffic import FULL
from tests.fast.test_chat_via_responses import REPLY, make_context

WITHOUT_REPLIES = AgentCodec(Shape.CHAT, Shape.RESPONSES, encode_agents)


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
    gc.disable()
    try:
        watched = Watched(WITHOUT_REPLIES, body, encode_agents(body, context), context)
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
