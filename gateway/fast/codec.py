"""The fast path of requests and whole replies: common ones are translated from bytes to bytes.

In nearly all traffic the request is a text with a few numbers, and the reply is a text. A codec
recognises such requests and replies by decoding them into types that admit nothing else. Streamed
replies are folded in `streams/`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Protocol

import msgspec

from gateway.fast.streams.drawn_ids import DrawnIds
from gateway.fast.streams.fast_stream import CommonStream, FastStream
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, StreamTranslation, Translation
from gateway.translate.plan import plan
from gateway.translate.schema.checks import INT64_MAX, INT64_MIN

encode = msgspec.json.Encoder().encode

NOT_ADMITTED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""The exceptions that decoding raises for anything that a codec's types do not admit."""

Int64 = Annotated[int, msgspec.Meta(ge=INT64_MIN, le=INT64_MAX)]
PositiveInt = Annotated[int, msgspec.Meta(ge=1, le=INT64_MAX)]
Nothing = Annotated[list[object], msgspec.Meta(max_length=0)]
Absent = msgspec.UnsetType
"""The type of a field that must not be there."""
ABSENT = msgspec.UNSET

UnitInterval = Annotated[int, msgspec.Meta(ge=0, le=1)] | Annotated[float, msgspec.Meta(ge=0, le=1)]
UpToTwo = Annotated[int, msgspec.Meta(ge=0, le=2)] | Annotated[float, msgspec.Meta(ge=0, le=2)]
Number = (
    Annotated[int, msgspec.Meta(ge=-INT64_MAX, le=INT64_MAX)]
    | Annotated[float, msgspec.Meta(gt=float(INT64_MIN), lt=-float(INT64_MIN))]
)
"""The numbers of `fields.finite_number`."""


class EncodedRequest(msgspec.Struct, gc=False):
    """A request as it is sent, and the facts about it on which the reply depends."""

    sent: bytes
    limit: int = 0
    """The limit of output tokens that is sent; 0 if there is none."""
    wants_usage: bool | None = None
    """Whether the client wants usage in its stream; None if it wants no stream."""
    client: Json | None = None
    """The client's parameters, for replies that repeat them."""
    noted: Report | None = None
    """The report, if the translation changed anything; else None."""
    model: str = ""
    """The client's name of the model, where a codec admits nothing else that routing looks at."""


class StreamOptions(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The options of a stream that codecs admit."""

    include_usage: bool = False


class FastRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """The common fields of the requests that codecs admit."""

    model: str
    temperature: UpToTwo | Absent = ABSENT
    top_p: UnitInterval | Absent = ABSENT
    n: Literal[1] = 1
    stream: bool = False
    stream_options: StreamOptions | Absent = ABSENT
    user: str | Absent = ABSENT


def wanted_usage(request: FastRequest) -> bool | None:
    """Return whether the client wants usage in its stream; None if it wants no stream."""
    if not request.stream:
        return None
    return request.stream_options is not ABSENT and request.stream_options.include_usage


class Sampled(Protocol):
    """A request with sampling parameters."""

    @property
    def temperature(self) -> float | Absent:
        """The temperature."""

    @property
    def top_p(self) -> float | Absent:
        """The share of likely tokens that are sampled."""


def takes_sampling(request: Sampled, context: Context) -> bool:
    """Whether the model takes the temperature and the `top_p` of a request, if there are any."""
    has_temperature, has_top_p = request.temperature is not ABSENT, request.top_p is not ABSENT
    if not (has_temperature or has_top_p):
        return True
    able = context.capabilities
    if (has_temperature and not able.temperature) or (has_top_p and not able.top_p):
        return False
    return not able.sampling_needs_effort_none


Passed = Any
"""The type of a field that no translation reads: its value does not change the reply."""


class FastReply(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """The common fields of the replies that codecs admit.

    A reply with another field is left to the generic path: it may be an error, a source, or
    something that a translation will read in the future.
    """

    id: str = ""
    model: str | None = None
    error: None = None
    provider: Passed = None
    """OpenRouter's: the server behind OpenRouter."""
    kv_transfer_params: Passed = None
    """vLLM's, like the next one."""
    ec_transfer_params: Passed = None
    citations: Nothing | None = None
    search_results: Nothing | None = None
    related_questions: Nothing | None = None
    images: Nothing | None = None
    videos: Nothing | None = None
    web_search: Nothing | None = None


class Empty(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An object without a field."""


def adds_nothing(context: Context) -> bool:
    """Whether the operator adds nothing to a common request: for `FastCodec.fits`."""
    return context.reasoning_effort is None


def folded_in_generic(encoded: EncodedRequest, context: Context) -> None:
    """Return None: the generic path folds the streams."""


@dataclass(frozen=True, slots=True)
class FastCodec:
    """Encodes the common requests of one shape for another, and decodes the replies.

    `fits` says whether upstream and operator leave common requests as they are; if not, the other
    functions must not be called. `encode_request` returns the upstream's request, `decode_reply`
    the client's reply to it. Both return None, or raise one of `NOT_ADMITTED`, for anything that
    they do not admit. `stream` makes the fold of a streamed reply to an encoded request; None means
    that the generic path folds the stream. Replies never add entries to the report.
    """

    source: Shape
    target: Shape
    fits: Callable[[Context], bool]
    encode_request: Callable[[bytes, Context], EncodedRequest | None]
    decode_reply: Callable[[bytes, EncodedRequest, Context], bytes | None]
    stream: Callable[[EncodedRequest, Context], CommonStream | None] = folded_in_generic
    by_session: bool = False
    """Whether the hints of a request depend on the client's session: then the codec takes only
    requests that name none."""
    repeats_ids: bool = False
    """Whether events of `stream`'s fold repeat ids that earlier ones have drawn."""


class FastTranslation:
    """The translation of a common request to another endpoint, and of its reply (a `Translation`).

    `sent` is the one request to send, and `decode_reply` returns the client's reply. For everything
    else, the generic translation is made of the same request once it is needed; `fell_back` is then
    true. Built by `fast_translation`.
    """

    __slots__ = (
        *("_call_context", "_codec", "_context", "_encoded", "_generic", "_ids", "_request"),
        *("sent", "text_model"),
    )
    is_agents: ClassVar[bool] = False

    def __init__(
        self,
        codec: FastCodec,
        request: bytes,
        encoded: EncodedRequest,
        context: Context,
        call_context: Callable[[], Context] | None,
    ) -> None:
        self._codec = codec
        self._request = request
        self._encoded = encoded
        self.sent = encoded.sent
        self.text_model = encoded.model if encoded.wants_usage is None else ""
        self._context = context
        self._call_context = call_context
        self._generic: Translation | None = None
        self._ids = DrawnIds(context.new_id) if codec.repeats_ids else None

    @property
    def fell_back(self) -> bool:
        """Whether the generic translation was needed."""
        return self._generic is not None

    @property
    def header(self) -> str:
        """The report's header value; in nearly all cases the shapes only."""
        if self._generic is None:
            noted = self._encoded.noted
            if noted is not None:
                return noted.header()
            return _header(self._codec.source, self._codec.target)
        return self._generic.report.header()

    @property
    def report(self) -> Report:
        """The report of the generic translation, to which a reply that it folds may add."""
        return self._in_generic().report

    @property
    def calls(self) -> Sequence[Json]:
        """The one request that is sent, as JSON."""
        return self._in_generic().calls

    def decode_reply(self, reply: bytes) -> bytes | None:
        """Return the client's reply for a common reply; None: the generic path must fold it."""
        try:
            return self._codec.decode_reply(reply, self._encoded, self._context)
        except NOT_ADMITTED:
            return None

    def local_reply(self) -> Json | None:
        """Return None: there is something to generate."""
        return None

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold any reply; raises `UpstreamError`."""
        return self._in_generic().reply(replies)

    def stream(self) -> StreamTranslation:
        """Return the stream folder."""
        common = self._codec.stream(self._encoded, self._drawing(self._context))
        if common is None:
            return self._in_generic().stream()
        return FastStream(common, lambda: self._in_generic().stream())

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of an upstream parameter."""
        return self._in_generic().client_param(call, param)

    def _in_generic(self) -> Translation:
        if self._generic is None:
            body: Json = msgspec.json.decode(self._request)
            context = self._context if self._call_context is None else self._call_context()
            self._generic = plan(
                self._codec.source, self._codec.target, body, self._drawing(context)
            )
        return self._generic

    def _drawing(self, context: Context) -> Context:
        """Return a context that draws the same ids, from the first on, as others like it."""
        if self._ids is None:
            return context
        return context.changed(new_id=self._ids.from_the_first())


def fast_translation(
    codec: FastCodec,
    request: bytes,
    context: Context,
    call_context: Callable[[], Context] | None = None,
) -> FastTranslation | None:
    """Translate a common request; None: the generic path must do it.

    `call_context` returns the context with the facts that hold for this call only, which common
    traffic does not need.
    """
    try:
        encoded = codec.encode_request(request, context)
    except NOT_ADMITTED:
        return None
    if encoded is None:
        return None
    return FastTranslation(codec, request, encoded, context, call_context)


@cache
def _header(source: Shape, target: Shape) -> str:
    return Report(source, target).header()
