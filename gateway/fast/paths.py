"""Picks the fast paths for a pair of shapes."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.fast.agents.chat_via_messages import encode_agents as chat_at_messages
from gateway.fast.agents.chat_via_responses import encode_agents as chat_at_responses
from gateway.fast.agents.codec import AgentCodec, AgentTranslation
from gateway.fast.agents.messages_via_chat import encode_agents as messages_at_chat
from gateway.fast.agents.messages_via_responses import encode_agents as messages_at_responses
from gateway.fast.agents.responses_via_chat import encode_agents as responses_at_chat
from gateway.fast.agents.responses_via_messages import encode_agents as responses_at_messages
from gateway.fast.chat_via_messages import CHAT_VIA_MESSAGES
from gateway.fast.chat_via_responses import CHAT_VIA_RESPONSES
from gateway.fast.codec import EncodedRequest, FastCodec, FastTranslation, fast_translation
from gateway.fast.completions_via_chat import COMPLETIONS_VIA_CHAT
from gateway.fast.messages_via_chat import MESSAGES_VIA_CHAT
from gateway.fast.messages_via_responses import MESSAGES_VIA_RESPONSES
from gateway.fast.responses_via_chat import RESPONSES_VIA_CHAT
from gateway.fast.responses_via_messages import RESPONSES_VIA_MESSAGES
from gateway.fast.streams import Chained, CommonStream
from gateway.shapes import Shape
from gateway.translate.composed import pivot_context
from gateway.translate.contract import Context


def chain(outer: FastCodec, inner: FastCodec) -> FastCodec:
    """Return the codec through chat, for traffic that both codecs admit."""

    def fits(context: Context) -> bool:
        return outer.fits(pivot_context(context)) and inner.fits(context)

    def encode_request(body: bytes, context: Context) -> EncodedRequest | None:
        chat = outer.encode_request(body, pivot_context(context))
        sent = None if chat is None else inner.encode_request(chat.sent, context)
        if chat is None or sent is None or sent.noted is not None:
            return None
        return EncodedRequest(sent.sent, sent.limit, chat.wants_usage)

    def decode_reply(body: bytes, encoded: EncodedRequest, context: Context) -> bytes | None:
        chat = inner.decode_reply(body, encoded, context)
        return None if chat is None else outer.decode_reply(chat, encoded, pivot_context(context))

    def stream(encoded: EncodedRequest, context: Context) -> CommonStream | None:
        usage = None if encoded.wants_usage is None else True
        # The outer one asks for the usage in any case.
        chat = inner.stream(EncodedRequest(encoded.sent, encoded.limit, usage), context)
        own = outer.stream(encoded, pivot_context(context))
        return None if chat is None or own is None else Chained(own, chat)

    return FastCodec(outer.source, inner.target, fits, encode_request, decode_reply, stream)


Fast = FastTranslation | AgentTranslation
"""A translation from bytes to bytes."""

LARGEST_TEXT = 8 * 1024
"""The length from which a request is read as an agent's at once, in bytes."""

_AGENTS = {
    (codec.source, codec.target): codec
    for codec in (
        AgentCodec(Shape.CHAT, Shape.RESPONSES, chat_at_responses, CHAT_VIA_RESPONSES),
        AgentCodec(Shape.CHAT, Shape.MESSAGES, chat_at_messages, CHAT_VIA_MESSAGES),
        AgentCodec(Shape.MESSAGES, Shape.CHAT, messages_at_chat, MESSAGES_VIA_CHAT),
        AgentCodec(Shape.MESSAGES, Shape.RESPONSES, messages_at_responses, MESSAGES_VIA_RESPONSES),
        AgentCodec(Shape.RESPONSES, Shape.CHAT, responses_at_chat),
        AgentCodec(Shape.RESPONSES, Shape.MESSAGES, responses_at_messages),
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
class FastPaths:
    """The fast paths between two shapes; by default none."""

    codec: FastCodec | None = None
    text_deltas: bool = False
    """Whether streams may take `text_deltas.DeltaFastPath`."""

    by_session: bool = False
    """Whether the codec is for requests only of which the client has named no session."""
    agents: AgentCodec | None = None

    def translation(
        self,
        request: bytes,
        context: Context,
        call_context: Callable[[], Context] | None = None,
    ) -> Fast | None:
        """Translate a common request; None: the generic path must do it.

        `call_context` gives the context with what holds for this call only.
        """
        agents = self.agents
        if self.codec is not None and (agents is None or len(request) < LARGEST_TEXT):
            made = fast_translation(self.codec, request, context, call_context)
            if made is not None or agents is None:
                return made
        return self.of_agents(request, context if call_context is None else call_context())

    def of_agents(self, request: bytes, context: Context) -> AgentTranslation | None:
        """Translate an agent's request; None: the generic path must do it.

        `context` has what holds for this call only, too: its session may be sent.
        """
        agents = self.agents
        return None if agents is None else agents.translation(request, context)


GENERIC_ONLY = FastPaths()


def fast_paths(client: Shape, target: Shape, context: Context) -> FastPaths:
    """Return the fast paths from a client's shape to another; none between the same shapes."""
    codec = _CODECS.get((client, target))
    agents = _AGENTS.get((client, target))
    text_deltas = client is not target
    if codec is None or not codec.fits(context):
        return FastPaths(None, text_deltas, agents=agents)
    by_session = codec.by_session and context.capabilities.hints
    return FastPaths(codec, text_deltas, by_session, agents)
