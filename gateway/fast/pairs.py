"""The fast paths of all pairs of shapes. They are loaded lazily (`paths.py`): they take memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from gateway.fast.agents.codec import AgentCodec, AgentRequest
from gateway.fast.agents.from_chat import chat_requests
from gateway.fast.agents.from_chat.chat_requests import read_chat_request
from gateway.fast.agents.from_chat.chat_via_messages import encode_agents as chat_at_messages
from gateway.fast.agents.from_chat.chat_via_responses import encode_agents as chat_at_responses
from gateway.fast.agents.from_messages import messages_requests
from gateway.fast.agents.from_messages.messages_requests import read_messages_request
from gateway.fast.agents.from_messages.messages_via_chat import encode_agents as messages_at_chat
from gateway.fast.agents.from_messages.messages_via_responses import (
    encode_agents as messages_at_responses,
)
from gateway.fast.agents.from_responses.responses_items import read_items
from gateway.fast.agents.from_responses.responses_requests import read_responses_request
from gateway.fast.agents.from_responses.responses_via_chat import encode_agents as responses_at_chat
from gateway.fast.agents.from_responses.responses_via_messages import (
    encode_agents as responses_at_messages,
)
from gateway.fast.agents.numbers import encode
from gateway.fast.agents.uncommon import UNCOMMON
from gateway.fast.codec import EncodedRequest, FastCodec, fast_translation
from gateway.fast.codecs.chat_via_messages import CHAT_VIA_MESSAGES
from gateway.fast.codecs.chat_via_responses import CHAT_VIA_RESPONSES
from gateway.fast.codecs.completions_via_chat import COMPLETIONS_VIA_CHAT
from gateway.fast.codecs.messages_via_chat import MESSAGES_VIA_CHAT
from gateway.fast.codecs.messages_via_responses import MESSAGES_VIA_RESPONSES
from gateway.fast.codecs.responses_via_chat import RESPONSES_VIA_CHAT
from gateway.fast.codecs.responses_via_messages import RESPONSES_VIA_MESSAGES
from gateway.fast.deltas.text_deltas import DeltaFastPath
from gateway.fast.paths import LARGEST_TEXT, Fast, Loaded
from gateway.fast.streams.fast_stream import Chained, CommonStream
from gateway.shapes import Shape
from gateway.translate.composed import pivot_context
from gateway.translate.contract import Context


def chain(outer: FastCodec, inner: FastCodec) -> FastCodec:
    """Return a codec that joins two codecs by chat, for traffic that both admit."""

    def fits(context: Context) -> bool:
        return outer.fits(pivot_context(context)) and inner.fits(context)

    def encode_request(body: bytes, context: Context) -> EncodedRequest | None:
        chat = outer.encode_request(body, pivot_context(context))
        sent = None if chat is None else inner.encode_request(chat.sent, context)
        if chat is None or sent is None or sent.noted is not None:
            return None
        return EncodedRequest(sent.sent, sent.limit, chat.wants_usage, model=chat.model)

    def decode_reply(body: bytes, encoded: EncodedRequest, context: Context) -> bytes | None:
        chat = inner.decode_reply(body, encoded, context)
        return None if chat is None else outer.decode_reply(chat, encoded, pivot_context(context))

    def stream(encoded: EncodedRequest, context: Context) -> CommonStream | None:
        usage = None if encoded.wants_usage is None else True
        # The outer codec asks for the usage in any case.
        chat = inner.stream(EncodedRequest(encoded.sent, encoded.limit, usage), context)
        own = outer.stream(encoded, pivot_context(context))
        return None if chat is None or own is None else Chained(own, chat)

    return FastCodec(outer.source, inner.target, fits, encode_request, decode_reply, stream)


_AGENT_READERS: Mapping[Shape, Callable[[bytes], msgspec.Struct]] = {
    Shape.CHAT: read_chat_request,
    Shape.RESPONSES: read_responses_request,
    Shape.MESSAGES: read_messages_request,
}
_ITEM_READERS: Mapping[Shape, Callable[[bytes], list[Any]]] = {
    Shape.CHAT: chat_requests.read_messages,
    Shape.RESPONSES: read_items,
    Shape.MESSAGES: messages_requests.read_messages,
}


def _of_agents(
    source: Shape,
    target: Shape,
    encode: Callable[[Any, Context], AgentRequest],
    replies: FastCodec | None = None,
) -> AgentCodec[Any]:
    return AgentCodec(source, target, _AGENT_READERS[source], encode, replies)


_AGENTS = {
    (codec.source, codec.target): codec
    for codec in (
        _of_agents(Shape.CHAT, Shape.RESPONSES, chat_at_responses, CHAT_VIA_RESPONSES),
        _of_agents(Shape.CHAT, Shape.MESSAGES, chat_at_messages, CHAT_VIA_MESSAGES),
        _of_agents(Shape.MESSAGES, Shape.CHAT, messages_at_chat, MESSAGES_VIA_CHAT),
        _of_agents(Shape.MESSAGES, Shape.RESPONSES, messages_at_responses, MESSAGES_VIA_RESPONSES),
        _of_agents(Shape.RESPONSES, Shape.CHAT, responses_at_chat),
        _of_agents(Shape.RESPONSES, Shape.MESSAGES, responses_at_messages),
    )
}

_CODECS = {
    (codec.source, codec.target): codec
    for codec in (
        COMPLETIONS_VIA_CHAT,
        CHAT_VIA_RESPONSES,
        CHAT_VIA_MESSAGES,
        RESPONSES_VIA_CHAT,
        RESPONSES_VIA_MESSAGES,
        MESSAGES_VIA_CHAT,
        MESSAGES_VIA_RESPONSES,
        chain(COMPLETIONS_VIA_CHAT, CHAT_VIA_RESPONSES),
    )
}


@dataclass(frozen=True, slots=True)
class PairPaths:
    """The fast paths between two different shapes (a `FastPaths`)."""

    codec: FastCodec | None
    by_session: bool
    agents: AgentCodec[Any] | None
    text_deltas: ClassVar[bool] = True

    def translation(
        self,
        request: bytes,
        context: Context,
        call_context: Callable[[], Context] | None = None,
        known: msgspec.Struct | None = None,
        /,
    ) -> Fast | None:
        """Translate a common request, or an agent's."""
        agents = self.agents
        if self.codec is not None and (agents is None or len(request) < LARGEST_TEXT):
            made = fast_translation(self.codec, request, context, call_context)
            if made is not None or agents is None:
                return made
        return self.of_agents(request, context if call_context is None else call_context(), known)

    def of_agents(
        self, request: bytes, context: Context, known: msgspec.Struct | None = None, /
    ) -> Fast | None:
        """Translate an agent's request."""
        agents = self.agents
        return None if agents is None else agents.translation(request, context, known)


def pair_paths(client: Shape, target: Shape, context: Context) -> PairPaths:
    """Return the fast paths from a client's shape to another."""
    codec = _CODECS.get((client, target))
    agents = _AGENTS.get((client, target))
    if codec is None or not codec.fits(context):
        return PairPaths(None, False, agents)
    by_session = codec.by_session and context.capabilities.hints
    return PairPaths(codec, by_session, agents)


LOADED = Loaded(pair_paths, _AGENT_READERS, _ITEM_READERS, UNCOMMON, encode, DeltaFastPath)
