"""Compares a codec with the generic path, as a client sees them."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.fast.codec import FastCodec, FastTranslation, fast_translation
from gateway.fast.pairs import pair_paths
from gateway.fast.paths import Fast
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.plan import plan
from tests.fast.names import names_in_translate

Translate = Callable[[Json, Context], Translation]

_MARK = "a field that is put here"

ABSENT = object()
"""In a change: the key is taken away."""

WILD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "a", "stop", "length", "error", "user", "auto"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "role", "content", "name", "a"]), inner)
    ),
    max_leaves=6,
)
"""Any JSON, with the words of both endpoints in it."""


def one_of_the_names() -> st.SearchStrategy[str]:
    """Return a strategy for the names, which are read when it is first drawn from."""
    return st.deferred(lambda: st.sampled_from([*names_in_translate(), "own"]))


def like(changes: Sequence[tuple[str, Any]]) -> st.SearchStrategy[tuple[str, Any]]:
    """Return a strategy for one of these changes, or for any value at one of their paths."""
    return st.sampled_from(changes) | st.tuples(
        st.sampled_from([path for path, _ in changes]), WILD
    )


def some_of(full: Json, least: Collection[str]) -> st.SearchStrategy[Json]:
    """Return a strategy for a body that lacks some of its fields, but none of `least`."""
    return st.sets(st.sampled_from(sorted(full.keys() - {*least}))).map(
        lambda kept: {name: full[name] for name in full if name in kept or name in least}
    )


def each(path: str, *values: object) -> list[tuple[str, Any]]:
    """Return one change per value, all at the same path."""
    return [(path, value) for value in values]


def copied(value: Any) -> Any:
    """Return a deep copy of JSON, several times as fast as one of anything."""
    if isinstance(value, dict):
        return {name: copied(inner) for name, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, list) else value


def changed(original: Json, changes: Sequence[tuple[str, Any]]) -> Json:
    """Return a deep copy with values put at paths (`choices.0.index`); bad paths do nothing.

    The values are copied too: a later change may go into one that many examples share.
    """
    copy: Json = msgspec.json.decode(msgspec.json.encode(original))
    for path, value in changes:
        *outer, last = path.split(".")
        place: Any = copy
        for step in outer:
            place = _at(place, step)
        if isinstance(place, list) and last.isdigit() and int(last) < len(place):
            place[int(last)] = copied(value)
        elif isinstance(place, dict) and value is not ABSENT:
            place[last] = copied(value)
        elif isinstance(place, dict):
            place.pop(last, None)
    return copy


def with_each_field(
    original: Json, level: str, values: Sequence[Any], names: Sequence[str]
) -> Iterator[bytes]:
    """Yield a JSON text for each name with each value, put at a level.

    There are hundreds of thousands: all but the field is encoded once.
    """
    place: Any = original
    for step in level.split(".")[:-1]:
        place = _at(place, step)
    marked = msgspec.json.encode(changed(original, [(f"{level}{_MARK}", _MARK)]))
    before, after = marked.split(b'"%b":"%b"' % (_MARK.encode(), _MARK.encode()))
    written = [msgspec.json.encode(value) for value in values]
    for name in names:
        if name in place:
            for value in values:
                yield msgspec.json.encode(changed(original, [(f"{level}{name}", value)]))
        else:
            for field in written:
                yield b'%b"%b":%b%b' % (before, name.encode(), field, after)


def _at(place: Any, step: str) -> Any:
    if isinstance(place, list):
        return place[int(step)] if step.isdigit() and int(step) < len(place) else None
    return place.get(step) if isinstance(place, dict) else None


def outcome(
    translate: Translate,
    body: Json,
    context: Context,
    replies: Sequence[Any],
    params: Sequence[str],
) -> list[Any]:
    """Return all that a translation shows of itself, errors included, JSON as bytes."""
    before = msgspec.json.encode(body)
    try:
        made = translate(body, context)
    except GatewayError as error:
        return [_shown(error)]
    seen: list[Any] = [
        msgspec.json.encode(list(made.calls)),
        made.report.header(),
        made.local_reply(),
    ]
    made.report.drop("noted between calls and reply")
    seen += answered(made, replies, params)
    assert msgspec.json.encode(body) == before
    return seen


def answered(made: Translation, replies: Sequence[Any], params: Sequence[str] = ()) -> list[Any]:
    """Return what a translation makes of replies, its report after them, and its names."""
    before = msgspec.json.encode(replies)
    try:
        reply: Any = msgspec.json.encode(made.reply(replies))
    except GatewayError as error:
        reply = _shown(error)
    assert msgspec.json.encode(replies) == before
    return [reply, made.report.header(), [made.client_param(0, param) for param in params]]


def by_fast_path(codec: FastCodec) -> Translate:
    """Return what translates by a codec where it can, and by the generic path where it cannot."""

    def translate(body: Json, context: Context) -> Translation:
        made = _admitted(codec, body, context)
        return by_generic_path(codec)(body, context) if made is None else _Shown(made)

    return translate


def _admitted(codec: FastCodec, body: Json, context: Context) -> FastTranslation | None:
    if not codec.fits(context):
        return None
    return fast_translation(codec, msgspec.json.encode(body), context)


def by_generic_path(codec: FastCodec) -> Translate:
    """Return what translates between the shapes of a codec without it."""

    def translate(body: Json, context: Context) -> Translation:
        return plan(codec.source, codec.target, body, context)

    return translate


def assert_same(
    codec: FastCodec, body: Json, context: Context, replies: Sequence[Any], params: Sequence[str]
) -> None:
    """Check that both paths show the same of a request and the replies to it."""
    made = _admitted(codec, body, context)
    assert_as_generic(made, by_generic_path(codec), body, context, replies, params)


def assert_as_generic(
    made: Fast | None,
    generic: Translate,
    body: Json,
    context: Context,
    replies: Sequence[Any],
    params: Sequence[str],
) -> None:
    """Check that a fast translation shows what the generic one does.

    None: no codec admits the request. Then both paths are the generic one, which is run once.
    """
    expected = outcome(generic, body, context, replies, params)
    if made is not None:
        shown = _Shown(made)
        assert outcome(lambda *_: shown, body, context, replies, params) == expected


class _Shown:
    """A fast translation, whose bytes are shown like another one's dicts."""

    def __init__(self, made: Fast) -> None:
        self.calls: Any = [msgspec.Raw(made.sent)]
        self.local_reply = made.local_reply
        self.stream = made.stream
        self.client_param = made.client_param
        self._made = made

    @property
    def report(self) -> Report:
        assert self._made.header == self._made.report.header()
        return self._made.report

    def reply(self, replies: Sequence[Any]) -> Any:
        folded = None
        if len(replies) == 1:
            folded = self._made.decode_reply(msgspec.json.encode(replies[0]))
        return self._made.reply(replies) if folded is None else msgspec.Raw(folded)


def _shown(error: GatewayError) -> Any:
    return type(error), error.status, error.envelope()


CONTEXT = Context("asked", "sent", new_id=lambda: "f" * 32, now=1_700_000_000)


def codec_of(client: Shape, home: Shape, context: Context = CONTEXT) -> FastCodec:
    found = pair_paths(client, home, context).codec
    assert found is not None
    return found


def made(client: Shape, home: Shape, request: bytes) -> FastTranslation:
    translation = fast_translation(codec_of(client, home), request, CONTEXT)
    assert translation is not None
    return translation
