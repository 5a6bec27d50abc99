"""With fast paths and without, a client gets the same bytes, and the decision says the same."""

import re
import threading
from typing import Any

import pytest

from gateway.config.settings import ModelRule, PerformanceSettings
from gateway.fast import paths
from gateway.lazy import LazyInBackground
from gateway.shapes import Shape
from tests.exchange.scene import Exchanged, Scene
from tests.fakes import ArrivedReply, FakeReply, json_reply
from tests.fast.both_streams import BODIES, PAIRS
from tests.fast.codecs import test_chat_via_responses as chat_responses
from tests.fast.codecs import test_completions_via_chat as completions_chat
from tests.fast.stream_events import WORDS, usual
from tests.waiting import wait_until

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
REPLIES = {CHAT: completions_chat.REPLY, RESPONSES: chat_responses.REPLY}


def exchanged(client: Shape, home: Shape, body: Any, reply: FakeReply, *, fast: bool) -> Exchanged:
    scene = Scene(
        lambda _: reply,
        rules=(ModelRule("m", endpoints=(home,)),),
        performance=PerformanceSettings(fast_paths=fast),
    )
    return scene.generate(client, body)


def seen(result: Exchanged) -> Any:
    """Return all that a client and an operator see, but for identifiers that are drawn."""
    body = re.sub(rb"[0-9a-f]{32}", b"drawn", result.body)
    return result.reply.status, result.reply.headers, body, result.decision


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("odd", [{}, {"own": 1}, {"id": None}])
@pytest.mark.parametrize(
    ("client", "home"), [(COMPLETIONS, CHAT), (CHAT, RESPONSES), (COMPLETIONS, RESPONSES)]
)
def test_whole_replies_are_the_same(client: Shape, home: Shape, odd: Any, *, at_once: bool) -> None:
    body = {**BODIES[client], "stream": False}

    def result_of(*, fast: bool) -> Exchanged:
        reply = json_reply({**REPLIES[home], **odd})
        if at_once:
            reply = ArrivedReply(reply.status, reply.headers, reply.pieces)
        return exchanged(client, home, body, reply, fast=fast)

    assert seen(result_of(fast=True)) == seen(result_of(fast=False))


@pytest.mark.parametrize("stream", [True, False])
def test_so_is_what_comes_before_the_fast_paths_are_loaded(
    monkeypatch: pytest.MonkeyPatch, *, stream: bool
) -> None:
    may_load = threading.Event()

    def load() -> paths.Loaded:
        assert may_load.wait(60)
        return paths._load()

    monkeypatch.setattr(paths, "_LATE", LazyInBackground(load))

    def result() -> Any:
        reply = json_reply(REPLIES[RESPONSES])
        if stream:
            pieces = usual(RESPONSES, WORDS)
            reply = FakeReply(headers=((b"content-type", b"text/event-stream"),), pieces=pieces)
        body = {**BODIES[CHAT], "stream": stream}
        return seen(exchanged(CHAT, RESPONSES, body, reply, fast=True))

    before = result()
    assert paths.loaded() is None
    may_load.set()
    wait_until(lambda: paths.loaded() is not None)
    assert result() == before


@pytest.mark.parametrize("size", [1, 100, 10_000])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_streams_are_the_same(client: Shape, home: Shape, size: int) -> None:
    wire = b"".join(usual(home, WORDS))
    pieces = [wire[start : start + size] for start in range(0, len(wire), size)]

    def result_of(*, fast: bool) -> Exchanged:
        reply = FakeReply(headers=((b"content-type", b"text/event-stream"),), pieces=pieces)
        return exchanged(client, home, BODIES[client], reply, fast=fast)

    fast = result_of(fast=True)
    assert len(fast.events) > len(WORDS)
    assert seen(fast) == seen(result_of(fast=False))
