"""Compares the fast path of agents' requests with the generic path, as JSON values."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from gateway.errors import GatewayError
from gateway.fast.agents.codec import AgentTranslation
from gateway.fast.paths import fast_paths
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, StreamTranslation, Translation
from gateway.translate.plan import plan


def admitted(
    client: Shape, home: Shape, body: Json | bytes, context: Context
) -> AgentTranslation | None:
    """Return the fast translation of an agent's request; None: it is not one."""
    codec = fast_paths(client, home, context).agents
    assert codec is not None
    written = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return codec.translation(written, context)


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
    both = _both_again_and_again(made, client, home, body, context)
    for position, reply in enumerate(({}, *replies)):
        made, generic = next(both)
        if position == 0:
            assert made.local_reply() is None
            for name in params:
                assert made.client_param(0, name) == generic.client_param(0, name)
        assert made.calls == [_plain(call) for call in generic.calls]
        assert _reported(made) == _reported(generic)
        assert _folded(made, reply) == _folded(generic, reply)
        assert _reported(made) == _reported(generic)
    for events in streams:
        made, generic = next(both)
        assert _streamed(made.stream(), events) == _streamed(generic.stream(), events)
        assert _reported(made) == _reported(generic)
    return True


def _both_again_and_again(
    made: AgentTranslation, client: Shape, home: Shape, body: Json | bytes, context: Context
) -> Iterator[tuple[AgentTranslation, Translation]]:
    """Yield both translations of a request, this one first, then others: each has a report."""
    given = msgspec.json.decode(body) if isinstance(body, bytes) else body
    while True:
        yield made, plan(client, home, given, context)
        again = admitted(client, home, body, context)
        assert again is not None
        made = again


def _reported(made: Translation) -> Any:
    report = made.report
    if isinstance(made, AgentTranslation):
        assert made.header == report.header()
    lists = (report.dropped, report.changed, report.emulated)
    return report.source, report.target, lists, report.items


def _plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _folded(made: Translation, reply: Any) -> Any:
    if isinstance(made, AgentTranslation):
        quickly = made.decode_reply(msgspec.json.encode(reply))
        if quickly is not None:
            return msgspec.json.decode(quickly)
    try:
        return _plain(made.reply([reply]))
    except GatewayError as error:
        return _shown(error)


def _streamed(stream: StreamTranslation, events: Sequence[Json]) -> list[Any]:
    seen: list[Any] = []
    try:
        for event in events:
            seen += stream.feed(0, event)
            seen.append(stream.passes_text)
        seen += stream.end(0)
    except GatewayError as error:
        seen += [_shown(error), stream.fail(error)]
    return [_plain(event) for event in seen]


def _shown(error: GatewayError) -> Any:
    return [type(error).__name__, error.status, _plain(error.envelope())]
