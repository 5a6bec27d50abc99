"""The fast path of agents' requests, and of the replies to them.

A codec writes the request, and has another codec for common replies. Replies that this one does not
admit are folded by the generic path, which does not need the request's conversation for that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from gateway.fast.agents.uncommon import UNCOMMON
from gateway.fast.codec import NOT_ADMITTED, EncodedRequest, FastCodec
from gateway.fast.streams.fast_stream import FastStream
from gateway.shapes import Json, Shape
from gateway.translate.aliased import aliased
from gateway.translate.contract import Context, Report, StreamTranslation, Translation
from gateway.translate.parts.model_names import ModelNames
from gateway.translate.plan import plan

ClientParam = Callable[[int, str | None], str | None]
"""`Translation.client_param`."""


@dataclass(slots=True)
class AgentRequest:
    """An agent's request, encoded for another endpoint."""

    encoded: EncodedRequest
    report: Report
    folding: Callable[[ClientParam], Translation]
    """Returns the translation of the replies, given the client's names; it adds to the report."""
    is_common: bool = True
    """Whether common replies are folded like replies to common requests."""
    decode_reply: Callable[[bytes], bytes | None] | None = None
    """Decodes common replies, if they are not folded like replies to common requests."""


_Request = TypeVar("_Request", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class AgentCodec(Generic[_Request]):
    """Encodes agents' requests of one shape for another.

    `read` and `encode` raise one of `UNCOMMON` for anything that they do not admit.
    """

    source: Shape
    target: Shape
    read: Callable[[bytes], _Request]
    encode: Callable[[_Request, Context], AgentRequest]
    """Encodes a request. It may keep parts of the request, but changes none, since the request of
    the next turn may share them."""
    replies: FastCodec | None = None
    """The codec that folds the common replies."""

    def translation(
        self, request: bytes, context: Context, known: _Request | None = None
    ) -> "AgentTranslation | None":
        """Translate a request; None: the generic path must do it.

        `context` includes the facts that hold for this call only; `known` is the result of `read`,
        if the request was read already.
        """
        try:
            read = self.read(request) if known is None else known
            return AgentTranslation(self, request, self.encode(read, context), context)
        except UNCOMMON:
            return None


class _ClientNames:
    """Finds the client's names of parameters, by the generic translation of the whole request.

    This is not part of the translation that asks it, since that would be a cycle, which keeps the
    request's body in memory until the garbage collector runs.
    """

    __slots__ = ("_codec", "_context", "_generic", "_request")

    def __init__(self, codec: AgentCodec[Any], request: bytes, context: Context) -> None:
        self._codec = codec
        self._request = request
        self._context = context
        self._generic: Translation | None = None

    def __call__(self, call: int, param: str | None) -> str | None:
        if self._generic is None:
            body: Json = msgspec.json.decode(self._request)
            self._generic = plan(self._codec.source, self._codec.target, body, self._context)
        return self._generic.client_param(call, param)


class AgentTranslation:
    """The translation of an agent's request and of its reply (a `Translation`).

    `sent` is the one request to send. The generic translation of the whole request is made only
    when an error names one of its parameters.
    """

    __slots__ = ("_context", "_folding", "_names", "_replies", "_request")
    is_agents: ClassVar[bool] = True
    text_model: ClassVar[str] = ""

    def __init__(
        self, codec: AgentCodec[Any], body: bytes, request: AgentRequest, context: Context
    ) -> None:
        self._names = _ClientNames(codec, body, context)
        self._request = request
        request.report.models = ModelNames.of(context.model_sent, context.model_asked)
        self._replies = codec.replies if request.is_common else None
        self._context = context
        self._folding: Translation | None = None

    @property
    def sent(self) -> bytes:
        """The one request to send."""
        return self._request.encoded.sent

    @property
    def fell_back(self) -> bool:
        """Whether the generic fold was needed, which may have added to the report."""
        return self._folding is not None

    @property
    def header(self) -> str:
        """The report's header value."""
        return self._request.report.header()

    @property
    def report(self) -> Report:
        """What was dropped, changed and emulated."""
        return self._request.report

    @property
    def calls(self) -> Sequence[Json]:
        """The one request that is sent, as JSON."""
        return [msgspec.json.decode(self.sent)]

    def decode_reply(self, reply: bytes) -> bytes | None:
        """Return the client's reply for a common reply; None: `reply` must fold it."""
        own = self._request.decode_reply
        try:
            if own is not None:
                return own(reply)
            if self._replies is None:
                return None
            return self._replies.decode_reply(reply, self._request.encoded, self._context)
        except NOT_ADMITTED:
            return None

    def local_reply(self) -> Json | None:
        """Return None: there is something to generate."""
        return None

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold any reply; raises `UpstreamError`."""
        return self._fold().reply(replies)

    def stream(self) -> StreamTranslation:
        """Return the stream folder."""
        replies, encoded = self._replies, self._request.encoded
        common = None if replies is None else replies.stream(encoded, self._context)
        if common is None:
            return self._fold().stream()
        return FastStream(common, lambda: self._fold().stream())

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of an upstream parameter."""
        return self._names(call, param)

    def _fold(self) -> Translation:
        if self._folding is None:
            self._folding = aliased(self._request.folding(self._names), self._context)
        return self._folding
