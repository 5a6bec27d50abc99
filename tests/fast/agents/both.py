"""Compares the fast path of agents' requests with the generic path, also the order of fields."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec
import pytest

from gateway.errors import GatewayError
from gateway.fast.agents import codec as agents_codec
from gateway.fast.agents.codec import AgentTranslation
from gateway.fast.pairs import pair_paths
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Translation
from gateway.translate.plan import plan
from tests.fast.both_paths import Translate


def admitted(
    client: Shape, home: Shape, body: Json | bytes, context: Context
) -> AgentTranslation | None:
    """Return the fast translation of an agent's request; None: it is not one."""
    codec = pair_paths(client, home, context).agents
    assert codec is not None
    written = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return codec.translation(written, context)


def about(full: Json, level: str) -> Json:
    """Return a request to put fields into at a level, thousands in turn: with little beside it.

    What a tool has says nothing of the conversation, nor of other tools, and is admitted: each time
    both paths would translate all of them.
    """
    if not level.startswith("tools.0."):
        return full
    turns = "input" if "input" in full else "messages"
    return {**full, turns: full[turns][1:2], "tools": full["tools"][:1]}


def _names(value: Any) -> Any:
    """Return the names in a JSON value, in their order, which values do not compare."""
    if isinstance(value, dict):
        return [(name, _names(inner)) for name, inner in value.items()]
    return [_names(inner) for inner in value] if isinstance(value, list) else None


@contextmanager
def planned_once(client: Shape, home: Shape) -> Iterator[Translate]:
    """Yield what makes the generic translation, which the fast path then has for names.

    It would plan the same request by itself to name a client's parameters; so it must ask for the
    plan of the same body, between the same shapes, in the same context.
    """
    asked: tuple[Any, ...] = ()
    made: Translation | None = None

    def generic(body: Json, context: Context) -> Translation:
        nonlocal asked, made
        asked = client, home, body, context
        made = plan(*asked)
        return made

    def for_names(*arguments: Any) -> Translation:
        assert arguments == asked
        assert made is not None
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agents_codec, "plan", for_names)
        yield generic


def assert_same(
    client: Shape,
    home: Shape,
    body: Json | bytes,
    context: Context,
    replies: Sequence[Any] = (),
    streams: Sequence[Sequence[Json]] = (),
    params: Sequence[str] = (),
) -> bool:
    """Check that both paths show the same; return whether the fast one admits the request."""
    made = admitted(client, home, body, context)
    if made is None:
        return False
    given = msgspec.json.decode(body) if isinstance(body, bytes) else body
    with planned_once(client, home) as generically:
        generic = generically(given, context)
        for name in params:
            assert made.client_param(0, name) == generic.client_param(0, name)
    assert made.local_reply() is None
    _assert_alike(_written(made.calls), _written(generic.calls))
    noted = _reported(generic)
    folds = [
        *(partial(_folded, reply=reply) for reply in ({}, *replies)),
        *(partial(_streamed, events=events) for events in streams),
    ]
    for fold in folds:
        # A reply can change nothing of a translation but its report.
        if _reported(generic) != noted:
            made = admitted(client, home, body, context)
            generic = plan(client, home, given, context)
            assert made is not None
        assert _reported(made) == noted
        _assert_alike(fold(made), fold(generic))
        assert _reported(made) == _reported(generic)
    return True


def _reported(made: Translation) -> Any:
    report = made.report
    if isinstance(made, AgentTranslation):
        assert made.header == report.header()
    lists = [[*each] for each in (report.dropped, report.changed, report.emulated)]
    return report.source, report.target, lists, report.items


_written = msgspec.json.encode


def _assert_alike(quickly: bytes, slowly: bytes) -> None:
    """Check that two JSON texts say the same, names in their order; they may be written otherwise.

    Nearly all are the same bytes, which need not be read.
    """
    if quickly != slowly:
        read, other = msgspec.json.decode(quickly), msgspec.json.decode(slowly)
        assert read == other
        assert _names(read) == _names(other)


def _folded(made: Translation, reply: Any) -> bytes:
    if isinstance(made, AgentTranslation):
        quickly = made.decode_reply(_written(reply))
        if quickly is not None:
            return quickly
    try:
        return _written(made.reply([reply]))
    except GatewayError as error:
        return _written(_shown(error))


def _streamed(made: Translation, events: Sequence[Json]) -> bytes:
    stream = made.stream()
    seen: list[Any] = []
    try:
        for event in events:
            seen += stream.feed(0, event)
            seen.append(stream.passes_text)
        seen += stream.end(0)
    except GatewayError as error:
        seen += [_shown(error), stream.fail(error)]
    return _written(seen)


def _shown(error: GatewayError) -> Any:
    return [type(error).__name__, error.status, error.envelope()]
