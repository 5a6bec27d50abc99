"""The fast path of whole requests and replies: the commonest ones are translated bytes to bytes.

Nearly all traffic is a text, a few numbers, and a text back. A codec recognises such requests and
replies by decoding them into types that admit nothing else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal

import msgspec

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, StreamTranslation, Translation
from gateway.translate.plan import plan
from gateway.translate.schema.checks import INT64_MAX, INT64_MIN

encode = msgspec.json.Encoder().encode

NOT_ADMITTED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for anything that the type does not admit."""

EncodedRequest = tuple[bytes, int]
"""The upstream's request, and the limit of output tokens in it (0: none)."""

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
"""What `fields.finite_number` takes for one."""


class FastRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """What the requests that codecs admit have in common."""

    model: str
    temperature: UpToTwo | Absent = ABSENT
    top_p: UnitInterval | Absent = ABSENT
    n: Literal[1] = 1
    stream: bool = False
    user: str | Absent = ABSENT


def samples_as_it_may(asked: FastRequest, context: Context) -> bool:
    """Whether the model takes the temperature and the `top_p` of a request, if it has any."""
    able = context.capabilities
    if asked.temperature is not ABSENT and not able.temperature:
        return False
    if asked.top_p is not ABSENT and not able.top_p:
        return False
    has_none = asked.temperature is ABSENT and asked.top_p is ABSENT
    return has_none or not able.sampling_needs_effort_none


Passed = Any
"""The type of a field that no translation reads: whatever it says, the reply is the same."""


class FastReply(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """What the replies that codecs admit have in common.

    A reply with a field that is not named is the generic path's: it may be an error, a source, or
    anything that a translation will read one day.
    """

    id: str = ""
    model: str | None = None
    error: None = None
    provider: Passed = None
    """OpenRouter's: which server it has asked."""
    kv_transfer_params: Passed = None
    """vLLM's; the same with the next one."""
    ec_transfer_params: Passed = None
    citations: Nothing | None = None
    search_results: Nothing | None = None
    related_questions: Nothing | None = None
    images: Nothing | None = None
    videos: Nothing | None = None
    web_search: Nothing | None = None


class Empty(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An object without a field."""


@dataclass(frozen=True, slots=True)
class FastCodec:
    """Encodes the common requests of one shape for another, and decodes the replies.

    `fits` says whether backend and operator leave common requests as they are; where it is false,
    the others must not be called. `encode_request` returns what is sent for a request,
    `decode_reply` the client's reply to an upstream's, given the limit that `encode_request`
    returned. Both return None for what they do not admit, or raise what decoding it raises
    (`NOT_ADMITTED`). What they do return never adds an entry to the report.
    """

    source: Shape
    target: Shape
    fits: Callable[[Context], bool]
    encode_request: Callable[[bytes, Context], EncodedRequest | None]
    decode_reply: Callable[[bytes, int, Context], bytes | None]


class FastTranslation:
    """A common request on its way to another endpoint, and the way back (a `Translation`).

    `sent` is the one request to send, and `decode_reply` makes the client's reply of the reply to
    it. Anything else is done by the generic translation, which is made of the same request once it
    is needed: then the fast path `fell_back`, and until then the report is empty. Built by
    `fast_translation`.
    """

    __slots__ = ("_codec", "_context", "_generic", "_limit", "_request", "sent")

    def __init__(
        self, codec: FastCodec, request: bytes, encoded: EncodedRequest, context: Context
    ) -> None:
        self._codec = codec
        self._request = request
        self.sent, self._limit = encoded
        self._context = context
        self._generic: Translation | None = None

    @property
    def fell_back(self) -> bool:
        """Whether the generic translation was needed."""
        return self._generic is not None

    @property
    def header(self) -> str:
        """The report's header value; in nearly all cases it names the shapes and no more."""
        if self._generic is None:
            return _header(self._codec.source, self._codec.target)
        return self._generic.report.header()

    @property
    def report(self) -> Report:
        """The generic translation's: empty, unless a reply that is handed over adds to it."""
        return self._in_generic().report

    @property
    def calls(self) -> Sequence[Json]:
        """The one request that is sent, as JSON."""
        return self._in_generic().calls

    def decode_reply(self, reply: bytes) -> bytes | None:
        """Return the client's reply to a common reply; None: it is the generic path's."""
        try:
            return self._codec.decode_reply(reply, self._limit, self._context)
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
        return self._in_generic().stream()

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of an upstream parameter."""
        return self._in_generic().client_param(call, param)

    def _in_generic(self) -> Translation:
        if self._generic is None:
            body: Json = msgspec.json.decode(self._request)
            self._generic = plan(self._codec.source, self._codec.target, body, self._context)
        return self._generic


def fast_translation(codec: FastCodec, request: bytes, context: Context) -> FastTranslation | None:
    """Translate a common request; None: it is the generic path's."""
    try:
        encoded = codec.encode_request(request, context)
    except NOT_ADMITTED:
        return None
    return None if encoded is None else FastTranslation(codec, request, encoded, context)


@cache
def _header(source: Shape, target: Shape) -> str:
    return Report(source, target).header()
