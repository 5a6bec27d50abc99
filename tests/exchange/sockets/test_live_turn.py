"""A turn's frames wait for their sink, in bounds, and end with its last event or an error."""

import asyncio

import msgspec
import pytest

from gateway.config.settings import TimeoutSettings
from gateway.errors import TruncatedStream
from gateway.exchange.sockets.events import Event
from gateway.exchange.sockets.live_turn import UNREAD_LIMIT, LiveTurn

pytestmark = pytest.mark.anyio

LAST = (
    b'{"type":"response.completed","response":{"usage":{"input_tokens":3,'
    b'"input_tokens_details":{"cached_tokens":0},"output_tokens":5,"total_tokens":8}}}'
)


class Pace:
    def __init__(self) -> None:
        self.is_paused = False

    def pause(self) -> None:
        self.is_paused = True

    def go_on(self) -> None:
        self.is_paused = False


class Scene:
    def __init__(self) -> None:
        self.pace = Pace()
        self.abandoned: list[LiveTurn] = []
        self.turn = LiveTurn(None, TimeoutSettings(), self.pace, self.abandoned.append)
        self.pieces: list[bytes] = []
        self.is_slow = False

    def sink(self, piece: bytes) -> bool:
        self.pieces.append(piece)
        return not self.is_slow


async def test_what_came_before_the_sink_goes_first() -> None:
    scene = Scene()
    scene.turn.note(Event("response.created"))
    scene.turn.note(Event("later"))
    scene.turn.take(b"a")
    scene.turn.take(b"b")
    assert (await scene.turn.first()).type == "response.created"
    piping = asyncio.ensure_future(scene.turn.pipe(scene.sink))
    await asyncio.sleep(0)
    scene.turn.take(b"c")
    scene.turn.end(LAST)
    await piping
    assert scene.pieces == [b"ab", b"c"]
    assert (scene.turn.terminal, scene.turn.tokens, scene.turn.failure) == (LAST, (3, 5), None)
    await scene.turn.aclose()
    assert scene.abandoned == []


async def test_its_items_are_kept_and_whether_it_was_steered() -> None:
    scene, item = Scene(), msgspec.Raw(b"{}")
    scene.turn.note(Event("response.created", response_id="r1"))
    scene.turn.note(Event("response.output_item.done", item=item))
    assert (scene.turn.items, scene.turn.is_steered) == ([item], False)
    scene.turn.note(Event("response.incomplete", response_id="r1", is_steered=True))
    scene.turn.note(Event("response.created", response_id="r2"))
    scene.turn.note(Event("response.in_progress"))
    assert (scene.turn.response_id, scene.turn.is_steered) == ("r2", True)


async def test_a_turn_that_ended_before_it_is_read_is_read_to_its_end() -> None:
    scene = Scene()
    scene.turn.note(Event())
    scene.turn.take(b"a")
    scene.turn.end(b"{}")
    await scene.turn.pipe(scene.sink)
    assert scene.pieces == [b"a"]


async def test_a_slow_sink_pauses_the_upstream_and_gets_the_rest_together() -> None:
    scene = Scene()
    scene.turn.note(Event())
    piping = asyncio.ensure_future(scene.turn.pipe(scene.sink))
    await asyncio.sleep(0)
    scene.is_slow = True
    scene.turn.take(b"a")
    assert scene.pace.is_paused
    scene.turn.take(b"b")
    scene.turn.take(b"c")
    scene.turn.resume()
    assert (scene.pieces, scene.pace.is_paused) == ([b"a", b"bc"], True)
    scene.turn.take(b"d")
    scene.turn.end(b"{}")
    scene.is_slow = False
    assert not piping.done()
    scene.turn.resume()
    await piping
    assert scene.pieces == [b"a", b"bc", b"d"]
    scene.turn.resume()


async def test_no_more_than_a_bound_waits_for_a_sink() -> None:
    scene = Scene()
    scene.turn.note(Event())
    scene.turn.take(b"x" * UNREAD_LIMIT)
    before = scene.pace.is_paused
    scene.turn.take(b"y")
    assert (before, scene.pace.is_paused, scene.turn.is_full) == (False, True, True)
    scene.turn.end(b"{}")
    await scene.turn.pipe(scene.sink)
    assert (scene.pace.is_paused, scene.turn.is_full) == (False, False)


async def test_an_error_comes_after_what_was_received() -> None:
    scene = Scene()
    scene.turn.note(Event())
    scene.turn.take(b"a")
    scene.turn.fail(TruncatedStream("gone"))
    with pytest.raises(TruncatedStream, match="gone"):
        await scene.turn.pipe(scene.sink)
    assert (scene.pieces, scene.turn.terminal, scene.turn.tokens) == ([b"a"], b"", None)


async def test_an_error_before_the_first_event_is_the_first_events() -> None:
    scene = Scene()
    scene.turn.fail(TruncatedStream("gone"))
    with pytest.raises(TruncatedStream):
        await scene.turn.first()
    await scene.turn.aclose()
    assert scene.abandoned == []


async def test_a_turn_that_is_given_up_is_abandoned_once() -> None:
    scene = Scene()
    scene.turn.note(Event())
    piping = asyncio.ensure_future(scene.turn.pipe(scene.sink))
    await asyncio.sleep(0)
    scene.is_slow = True
    scene.turn.take(b"a")
    piping.cancel()
    await asyncio.wait({piping})
    await scene.turn.aclose()
    await scene.turn.aclose()
    assert (scene.abandoned, scene.pace.is_paused) == ([scene.turn], False)
