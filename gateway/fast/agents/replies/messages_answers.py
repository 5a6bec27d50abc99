"""Folds the replies to agents of messages, from the few facts that they need of the request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from gateway.fast.agents.codec import AgentRequest, ClientParam
from gateway.fast.codec import NOT_ADMITTED, EncodedRequest
from gateway.shapes import Json
from gateway.translate.contract import Context, Report, StreamTranslation, Translation
from gateway.translate.pair import PairTranslation
from gateway.translate.parts.messages.prepared import PreparedMessages
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions

Fold = Callable[[Sequence[Json], PreparedMessages, Context, Report], Json]
Stream = Callable[[PreparedMessages, Context, Report], StreamTranslation]
DecodeText = Callable[[bytes, EncodedRequest, Context], bytes | None]
Decode = Callable[[bytes], bytes | None]
"""Returns the message for a reply, or None if it is not common, or raises one of `NOT_ADMITTED`."""


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """The part of a prepared request that the folds of replies read (a `PreparedMessages`)."""

    options: MessagesReplyOptions
    limit: int
    """The limit of output tokens as it is sent."""
    call_ids: Sequence[str]
    """The client's ids of all calls in the request's conversation."""
    client_param: ClientParam

    @property
    def client(self) -> Json:
        """A client's request with nothing but the calls of its conversation."""
        calls = [{"type": "tool_use", "id": call_id} for call_id in self.call_ids]
        return {"messages": [{"content": calls}]}

    @property
    def calls(self) -> Sequence[Json]:
        """The one request as sent, with nothing but its limit."""
        return ({"max_output_tokens": self.limit},)


@dataclass(frozen=True, slots=True)
class Answers:
    """The replies to one request."""

    options: MessagesReplyOptions
    limit: int
    call_ids: Sequence[str]
    context: Context
    report: Report

    def to(
        self,
        upstream: Json,
        encode: Callable[[Json], bytes],
        fold: Fold,
        stream: Stream,
        text: DecodeText,
        calls: Decode,
    ) -> AgentRequest:
        """Return the request that is sent, as `encode` writes it.

        `text` decodes common replies of a text, `calls` those with calls; `fold` and `stream` fold
        all others.
        """
        stops, usage = has_stops(self.options), True if upstream.get("stream") else None
        encoded = EncodedRequest(encode(upstream), self.limit, usage)
        return AgentRequest(
            encoded,
            self.report,
            partial(self._folding, fold, stream),
            is_common=not stops,
            decode_reply=None if stops else partial(self._decoded, encoded, text, calls),
        )

    def _decoded(
        self, encoded: EncodedRequest, text: DecodeText, calls: Decode, body: bytes
    ) -> bytes | None:
        try:
            said = text(body, encoded, self.context)
        except NOT_ADMITTED:
            said = None
        return calls(body) if said is None else said

    def _folding(self, fold: Fold, stream: Stream, client_param: ClientParam) -> Translation:
        """Return the translation of the replies."""
        request = AnsweredRequest(self.options, self.limit, self.call_ids, client_param)
        report = self.report

        def folded(replies: Sequence[Json], of: PreparedMessages, context: Context) -> Json:
            return fold(replies, of, context, report)

        def streamed(of: PreparedMessages, context: Context) -> StreamTranslation:
            return stream(of, context, report)

        return PairTranslation(request, self.context, report, folded, streamed)


def has_stops(options: MessagesReplyOptions) -> bool:
    """Whether a text that is a stop sequence ends a reply."""
    return bool(options.stop_sequences or options.native_stops)
