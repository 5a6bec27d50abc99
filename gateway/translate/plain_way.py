"""The plain way of a translation: the commonest request and the commonest reply, bytes to bytes.

Nearly all traffic is plain: a text, a few numbers, a text back. A pair of shapes that has a plain
way recognises such requests and replies by decoding them into types that admit nothing else, and
gives exactly what its general way gives for them. The general way does all the rest, and stays the
one that says what is right.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal

import msgspec

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, StreamTranslation, Translation
from gateway.translate.schema.checks import INT64_MAX, INT64_MIN

encode = msgspec.json.Encoder().encode

NOT_PLAIN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for anything else than what the type admits."""

PlainCall = tuple[bytes, int]
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


class PlainRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """What plain requests have in common."""

    model: str
    temperature: UpToTwo | Absent = ABSENT
    top_p: UnitInterval | Absent = ABSENT
    n: Literal[1] = 1
    stream: bool = False
    user: str | Absent = ABSENT


def needs_effort(asked: PlainRequest, context: Context) -> bool:
    """Whether it says something that the model takes with the reasoning effort `none` only."""
    return context.capabilities.sampling_needs_effort_none and (
        asked.temperature is not ABSENT or asked.top_p is not ABSENT
    )


class PlainReply(msgspec.Struct, kw_only=True, gc=False):
    """What plain replies have in common.

    `error` and `type` are how upstreams tell of errors; what they say of sources is carried by the
    general way (`sources.py`).
    """

    id: str = ""
    model: str | None = None
    error: None = None
    type: Absent = ABSENT
    citations: Nothing | None = None
    search_results: Nothing | None = None
    related_questions: Nothing | None = None
    images: Nothing | None = None
    videos: Nothing | None = None
    web_search: Nothing | None = None


class Empty(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An object without a field."""


@dataclass(frozen=True, slots=True)
class PlainWay:
    """What a pair of shapes has for plain traffic.

    `fits` tells whether backend and operator leave plain requests plain. `call` gives what is sent
    for a request, `reply` the client's reply to an upstream's, given the limit that `call` gave.
    Both give None for what is not plain, or raise what decoding it raises (`NOT_PLAIN`); where
    `fits` does not hold they must not be asked. Everything that they do give is without a word in
    the report. What no endpoint's client would see of a reply is passed over: it can neither make
    the reply plain nor spoil it.
    """

    source: Shape
    target: Shape
    fits: Callable[[Context], bool]
    call: Callable[[bytes, Context], PlainCall | None]
    reply: Callable[[bytes, int, Context], bytes | None]
    general: Callable[[Json, Context], Translation]


class PlainTranslation:
    """A plain request on its way to another endpoint, and the way back (a `Translation`).

    `sent` is the one request to send, and `fold()` makes the client's reply of the reply to it. The
    general translation is made of the same request once something turns out not to be plain:
    `stayed_plain` tells, and until then there is nothing in the report. Built by
    `plain_translation`.
    """

    __slots__ = ("_context", "_general", "_limit", "_request", "_way", "sent")

    def __init__(self, way: PlainWay, request: bytes, call: PlainCall, context: Context) -> None:
        self._way = way
        self._request = request
        self.sent, self._limit = call
        self._context = context
        self._general: Translation | None = None

    @property
    def stayed_plain(self) -> bool:
        """Whether the general translation was not needed so far."""
        return self._general is None

    @property
    def header(self) -> str:
        """What the report says; in nearly all cases: nothing but both shapes."""
        if self._general is None:
            return _header(self._way.source, self._way.target)
        return self._general.report.header()

    @property
    def report(self) -> Report:
        """The general translation's: nothing, unless a reply that is not plain adds to it."""
        return self._in_general().report

    @property
    def calls(self) -> Sequence[Json]:
        """The one request that is sent, decoded."""
        return self._in_general().calls

    def fold(self, reply: bytes) -> bytes | None:
        """Return the client's reply to a plain reply; None: it is not plain."""
        try:
            return self._way.reply(reply, self._limit, self._context)
        except NOT_PLAIN:
            return None

    def local_reply(self) -> Json | None:
        """Return None: there is something to generate."""
        return None

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold a reply that is not plain; raises `UpstreamError`."""
        return self._in_general().reply(replies)

    def stream(self) -> StreamTranslation:
        """Return the stream folder."""
        return self._in_general().stream()

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of an upstream parameter."""
        return self._in_general().client_param(call, param)

    def _in_general(self) -> Translation:
        if self._general is None:
            body: Json = msgspec.json.decode(self._request)
            self._general = self._way.general(body, self._context)
        return self._general


def plain_translation(way: PlainWay, request: bytes, context: Context) -> PlainTranslation | None:
    """Translate a plain request; None: it is not plain, so the general way must."""
    try:
        call = way.call(request, context)
    except NOT_PLAIN:
        return None
    return None if call is None else PlainTranslation(way, request, call, context)


@cache
def _header(source: Shape, target: Shape) -> str:
    return Report(source, target).header()
