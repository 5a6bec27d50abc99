"""What an upstream says on a socket is sorted by turns, however it is cut, and ends with it."""

import asyncio
from dataclasses import dataclass, field

import msgspec
import pytest

from gateway.config.settings import TimeoutSettings
from gateway.errors import TruncatedStream, UpstreamTimeout
from gateway.exchange.sockets import link as module
from gateway.exchange.sockets.link import Link
from gateway.exchange.sockets.link_errors import Lost
from gateway.exchange.sockets.live_turn import UNREAD_LIMIT, LiveTurn
from gateway.exchange.sockets.relays import Create
from tests.exchange.sockets.scene import FakeSocket, frame
from tests.loop_clock import LoopClock

pytestmark = pytest.mark.anyio


def event(kind: str, **fields: object) -> bytes:
    return frame(msgspec.json.encode({"type": kind, **fields}))


def response(kind: str, name: str, **fields: object) -> bytes:
    return event(f"response.{kind}", response={"id": name}, **fields)


def delta(text: str = "x", **fields: object) -> bytes:
    return event("response.output_text.delta", delta=text, **fields)


@dataclass
class Reader:
    """Reads a turn to its end."""

    turn: LiveTurn
    frames: bytearray = field(default_factory=bytearray)
    task: "asyncio.Task[None] | None" = None

    def begin(self) -> None:
        self.task = asyncio.ensure_future(self.turn.pipe(self.take))

    def take(self, data: bytes) -> bool:
        self.frames += data
        return True

    async def ended(self) -> bytes:
        assert self.task is not None
        await self.task
        return bytes(self.frames)


class Scene:
    def __init__(self, **timeouts: float) -> None:
        self.socket = FakeSocket()
        self.beside = bytearray()
        self.link = Link("local", self.socket, self.aside)
        self.timeouts = TimeoutSettings(**timeouts)

    def aside(self, data: bytes) -> bool:
        self.beside += data
        return True

    async def read(self, stream_id: str | None = None) -> Reader:
        reader = Reader(self.link.begin(Create(b"{}", stream_id), self.timeouts))
        reader.begin()
        await asyncio.sleep(0)
        return reader


async def test_a_turn_gets_its_frames_as_they_came_and_ends_with_its_last_event() -> None:
    scene = Scene()
    reader = await scene.read()
    assert scene.socket.messages == [b"{}"]
    sent = [response("created", "r1"), delta(), delta("y" * 70_000), event("codex.rate_limits")]
    scene.socket.says(*sent[:2])
    scene.socket.says(*sent[2:], response("completed", "r1"), event("between"))
    assert await reader.ended() == b"".join(sent) + response("completed", "r1")
    assert msgspec.json.decode(reader.turn.terminal)["type"] == "response.completed"
    assert scene.beside == event("between")
    assert scene.link.made == {"r1": None}
    scene.socket.says(event("codex.rate_limits"))
    assert scene.beside == event("between") + event("codex.rate_limits")


@pytest.mark.parametrize("is_read", [False, True])
async def test_what_belongs_to_no_turn_does_not_overtake_the_last_one(*, is_read: bool) -> None:
    scene = Scene()
    turn = scene.link.begin(Create(b"{}"), scene.timeouts)
    sent = [response("created", "r1"), response("completed", "r1")]
    scene.socket.says(*sent, event("codex.rate_limits"))
    scene.socket.says(event("between"))
    assert (bytes(scene.beside), scene.link.made) == (b"", {"r1": None})
    reader = Reader(turn)
    reader.begin()
    if is_read:
        rest = event("codex.rate_limits") + event("between")
        assert await reader.ended() == b"".join(sent) + rest
    await turn.aclose()
    scene.socket.says(event("later"))
    assert scene.beside == event("later")
    assert scene.link._last is None


async def test_frames_of_no_turn_wait_in_bounds() -> None:
    scene = Scene()
    turn = scene.link.begin(Create(b"{}"), scene.timeouts)
    scene.socket.says(response("completed", "r1"), event("beside", text="x" * UNREAD_LIMIT))
    assert (turn.is_full, scene.socket.is_paused) == (True, True)
    reader = Reader(turn)
    reader.begin()
    assert len(await reader.ended()) > UNREAD_LIMIT
    assert (turn.is_full, scene.socket.is_paused) == (False, False)
    scene.socket.says(event("later"))
    assert scene.beside == event("later")


@pytest.mark.parametrize("first", ["completed", "failed", "incomplete"])
@pytest.mark.parametrize("is_apart", [False, True])
async def test_what_tells_an_end_again_is_not_of_the_next_turn(
    first: str, *, is_apart: bool
) -> None:
    scene = Scene()
    one = await scene.read()
    ended, again = response(first, "r1"), response("done", "r1")
    scene.socket.says(response("created", "r1"), ended, *([] if is_apart else [again]))
    assert (await one.ended()).endswith(ended)
    two = await scene.read()
    if is_apart:
        scene.socket.says(again)
    assert scene.beside == again
    sent = [response("created", "r2"), response("completed", "r2")]
    scene.socket.says(*sent)
    assert await two.ended() == b"".join(sent)


@pytest.mark.parametrize("is_named", [False, True])
async def test_an_error_that_names_no_turn_is_of_one_that_waits(*, is_named: bool) -> None:
    scene = Scene()
    one, two = await scene.read("1"), await scene.read("2")
    begun = response("created", "r1", stream_id="1")
    error = event("error", status=400, **({"stream_id": "1"} if is_named else {}))
    scene.socket.says(begun, error)
    refused, other = (one, two) if is_named else (two, one)
    assert (await refused.ended()).endswith(error)
    last = response("completed", "r1", stream_id=other.turn.stream_id)
    scene.socket.says(last)
    assert (await other.ended()).endswith(last)


async def test_when_all_have_begun_it_is_of_the_first() -> None:
    scene = Scene()
    one, two = await scene.read("1"), await scene.read("2")
    begun = [response("created", f"r{name}", stream_id=name) for name in "12"]
    scene.socket.says(*begun, event("error", status=500))
    assert await one.ended() == begun[0] + event("error", status=500)
    scene.socket.says(response("completed", "r2"))
    assert await two.ended() == begun[1] + response("completed", "r2")


async def test_a_failure_that_follows_its_error_is_not_of_the_next_turn() -> None:
    scene = Scene()
    one = await scene.read()
    error, failed = event("error", code="server_error"), response("failed", "r1")
    scene.socket.says(response("created", "r1"), error)
    assert (await one.ended()).endswith(error)
    two, other = await scene.read("2"), await scene.read("3")
    scene.socket.says(response("created", "r2", stream_id="2"), failed)
    assert scene.beside == failed
    assert not other.turn.has_begun
    last = response("failed", "r2", stream_id="2")
    scene.socket.says(last, response("completed", "r3", stream_id="3"))
    assert (await two.ended()).endswith(last)
    assert await other.ended() == response("completed", "r3", stream_id="3")


@pytest.mark.parametrize("status", ["completed", "incomplete", "failed"])
async def test_an_end_under_another_name_has_the_one_that_clients_know(status: str) -> None:
    scene = Scene()
    reader = await scene.read()
    said = {"id": "r1", "status": status, "output": []}
    before = [response("created", "r1"), delta()]
    scene.socket.says(*before, event("response.done", response=said), event("codex.rate_limits"))
    last = event(f"response.{status}", response=said)
    assert await reader.ended() == b"".join(before) + last
    assert scene.beside == event("codex.rate_limits")
    assert scene.link.made == {"r1": None}


@pytest.mark.parametrize("step", [1, 2, 7, 100, 5000])
async def test_frames_may_be_cut_anywhere_and_messages_fragmented(step: int) -> None:
    scene = Scene()
    reader = await scene.read()
    last = msgspec.json.encode({"type": "response.completed", "response": {"id": "r1"}})
    sent = b"".join(
        [
            response("created", "r1"),
            *(delta("z" * size) for size in (0, 50, 100, 300)),
            frame(last[:20], fin=False) + frame(b"", opcode=0, fin=False),
            frame(last[20:], opcode=0),
        ]
    )
    data = sent + delta("beside")
    for at in range(0, len(data), step):
        scene.socket.says(data[at : at + step])
    assert await reader.ended() == sent
    assert reader.turn.terminal == last
    assert scene.beside == delta("beside")


async def test_a_message_is_handed_over_once_it_is_whole() -> None:
    scene = Scene()
    reader = await scene.read()
    scene.socket.says(response("created", "r1"))
    long = delta("y" * 1000)
    scene.socket.says(delta(), long[:500])
    assert bytes(reader.frames) == response("created", "r1") + delta()
    scene.socket.says(long[500:])
    assert reader.frames.endswith(long)
    scene.socket.says(response("failed", "r1"))
    await reader.ended()


async def test_turns_side_by_side_are_told_apart_by_their_stream() -> None:
    scene = Scene()
    one, two = await scene.read("one"), await scene.read("two")
    of_one = [
        response("created", "r1", stream_id="one"),
        delta("1", stream_id="one"),
        delta("2", stream_id="one"),
        response("completed", "r1", stream_id="one"),
    ]
    of_two = [
        response("created", "r2", stream_id="two"),
        delta("3", stream_id="two"),
        event("error", status=500, error={}, stream_id="two"),
    ]
    scene.socket.says(of_one[0], of_one[1], of_two[0], of_one[2], of_two[1])
    scene.socket.says(of_one[3], of_two[2], delta("late", stream_id="one"))
    assert await one.ended() == b"".join(of_one)
    assert await two.ended() == b"".join(of_two)
    assert scene.beside == delta("late", stream_id="one")


async def test_what_no_turn_claims_is_the_first_ones() -> None:
    scene = Scene()
    one, two = await scene.read("one"), await scene.read("two")
    scene.socket.says(event("codex.rate_limits"))
    scene.socket.says(response("completed", "r2", stream_id="two"))
    await two.ended()
    scene.socket.says(response("completed", "r1", stream_id="one"))
    assert (await one.ended()).startswith(event("codex.rate_limits"))


async def test_a_steered_turn_goes_on_with_the_next_response() -> None:
    scene = Scene()
    reader = await scene.read()
    steered = event(
        "response.incomplete", response={"id": "r1", "incomplete_details": {"reason": "steered"}}
    )
    sent = [response("created", "r1"), steered, response("created", "r2")]
    scene.socket.says(*sent, response("completed", "r2"))
    assert await reader.ended() == b"".join(sent) + response("completed", "r2")
    assert (list(scene.link.begun), list(scene.link.made)) == (["r1", "r2"], ["r2"])


async def test_a_slow_turn_pauses_the_socket_until_none_is_slow() -> None:
    scene = Scene()
    one, two = await scene.read("one"), await scene.read("two")
    one.turn.is_full = True
    scene.link.pause()
    scene.link.go_on()
    before = scene.socket.is_paused
    one.turn.is_full = False
    scene.link.go_on()
    assert (before, scene.socket.is_paused) == (True, False)
    for reader in (one, two):
        reader.turn.end(b"{}")
        await reader.ended()


async def test_the_end_of_the_socket_breaks_turns_that_have_begun() -> None:
    scene = Scene()
    one, two = await scene.read("one"), await scene.read("two")
    scene.socket.says(response("created", "r1", stream_id="one"))
    scene.socket.ends(1012, "restart")
    with pytest.raises(TruncatedStream, match="before its response was complete"):
        await one.ended()
    with pytest.raises(Lost) as caught:
        await two.turn.first()
    assert (caught.value.is_refused, scene.link.is_open, scene.link.made) == (False, False, {})
    await two.ended()


@pytest.mark.parametrize(("code", "steers", "refused"), [(1009, False, True), (1009, True, False)])
async def test_a_message_that_is_refused_is_what_was_written_last(
    code: int,
    *,
    steers: bool,
    refused: bool,
) -> None:
    scene = Scene()
    reader = await scene.read()
    if steers:
        scene.link.send(b"steer", "r1")
    scene.socket.ends(code)
    with pytest.raises(Lost) as caught:
        await reader.turn.first()
    assert caught.value.is_refused is refused
    await reader.ended()


async def test_a_turn_that_is_given_up_ends_the_socket() -> None:
    scene = Scene()
    one, two = await scene.read("one"), await scene.read("two")
    scene.socket.says(response("created", "r2", stream_id="two"))
    await one.turn.aclose()
    assert scene.socket.is_aborted
    with pytest.raises(TruncatedStream):
        await two.ended()
    await two.turn.aclose()
    scene.link._abandon(two.turn)


async def test_an_upstream_that_is_silent_is_given_up() -> None:
    scene = Scene(first_byte=0.02, stream_idle=60.0)
    reader = await scene.read()
    with pytest.raises(UpstreamTimeout, match=r"nothing of a response on .* for 0\.02 s"):
        await reader.turn.first()
    assert scene.socket.is_aborted
    await reader.ended()


async def test_silence_counts_from_the_last_event_and_not_while_the_client_is_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, scene = LoopClock(monkeypatch), Scene(first_byte=60.0, stream_idle=10.0)
    reader = await scene.read()
    assert reader.task is not None
    scene.socket.says(response("created", "r1"))
    reader.turn.is_full = True
    for _ in range(4):
        clock.advance(10.0)
        await asyncio.sleep(0)
        assert not reader.task.done()
    reader.turn.is_full = False
    clock.advance(10.0)
    with pytest.raises(UpstreamTimeout, match=r"for 10 s"):
        await reader.ended()


async def test_silence_counts_for_each_turn_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, scene = LoopClock(monkeypatch), Scene(first_byte=60.0, stream_idle=10.0)
    silent, busy = await scene.read("a"), await scene.read("b")
    scene.socket.says(response("created", "r1", stream_id="a"))
    scene.socket.says(response("created", "r2", stream_id="b"))
    sent = bytearray(response("created", "r2", stream_id="b"))
    assert silent.task is not None
    for _ in range(4):
        assert not silent.task.done()
        clock.advance(3.0)
        scene.socket.says(delta(stream_id="b"))
        sent += delta(stream_id="b")
        await asyncio.sleep(0)
    with pytest.raises(UpstreamTimeout, match=r"of its response on its WebSocket for 10 s"):
        await silent.ended()
    before = (scene.link.is_open, scene.socket.is_aborted)
    scene.socket.says(delta("late", stream_id="a"), delta(stream_id="b"))
    last = response("completed", "r2", stream_id="b")
    scene.socket.says(last, delta("later", stream_id="a"))
    assert await busy.ended() == bytes(sent) + delta(stream_id="b") + last
    assert (*before, scene.socket.is_aborted) == (False, False, True)
    assert silent.frames == response("created", "r1", stream_id="a")
    assert scene.beside == b""


async def test_a_turn_that_was_given_up_may_end_before_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, scene = LoopClock(monkeypatch), Scene(first_byte=5.0, stream_idle=60.0)
    silent, busy = await scene.read("a"), await scene.read("b")
    scene.socket.says(response("created", "r2", stream_id="b"))
    clock.advance(5.0)
    with pytest.raises(UpstreamTimeout):
        await silent.turn.first()
    scene.socket.says(event("codex.rate_limits"))
    scene.socket.says(response("completed", "r1", stream_id="a"))
    before = scene.socket.is_aborted
    scene.socket.says(response("completed", "r2", stream_id="b"))
    sent = [event("codex.rate_limits"), response("completed", "r2", stream_id="b")]
    assert (await busy.ended()).endswith(b"".join(sent))
    assert (before, scene.socket.is_aborted) == (False, True)
    await silent.ended()
    assert silent.frames == b""


async def test_a_message_that_comes_slowly_is_not_a_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, scene = LoopClock(monkeypatch), Scene(first_byte=60.0, stream_idle=5.0)
    one, two = await scene.read("a"), await scene.read("b")
    for name, stream_id in (("r1", "a"), ("r2", "b")):
        scene.socket.says(response("created", name, stream_id=stream_id))
    last = response("completed", "r1", stream_id="a", more="x" * 200)
    for at in range(0, 120, 10):
        scene.socket.says(last[at : at + 10])
        clock.advance(1.0)
        await asyncio.sleep(0)
    scene.socket.says(last[120:])
    assert (await one.ended()).endswith(last)
    clock.advance(5.0)
    with pytest.raises(UpstreamTimeout):
        await two.ended()


async def test_a_new_turn_is_watched_though_a_patient_one_runs() -> None:
    scene = Scene(first_byte=60.0, stream_idle=60.0)
    patient = await scene.read("a")
    scene.timeouts = TimeoutSettings(first_byte=0.02)
    hasty = await scene.read("b")
    with pytest.raises(UpstreamTimeout, match=r"for 0\.02 s") as caught:
        await hasty.turn.first()
    assert caught.value.reason == "first_byte_timeout"
    await hasty.ended()
    scene.socket.says(response("completed", "r1", stream_id="a"))
    await patient.ended()


async def test_without_turns_silence_is_normal(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, scene = LoopClock(monkeypatch), Scene(first_byte=2.0, stream_idle=2.0)
    reader = await scene.read()
    scene.socket.says(response("completed", "r1"))
    await reader.ended()
    clock.advance(6.0)
    await asyncio.sleep(0)
    assert not scene.socket.is_aborted
    scene.link.close()
    assert scene.socket.closes == [(1000, "")]
    scene.socket.ends(1000)


async def test_the_last_responses_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MADE", 2)
    scene = Scene()
    for name in ("r1", "r2", "r3"):
        reader = await scene.read()
        scene.socket.says(response("completed", name))
        await reader.ended()
    assert list(scene.link.made) == list(scene.link.begun) == ["r2", "r3"]


@pytest.mark.parametrize("name", ["r1", "r2", "r3"])
async def test_other_messages_are_sent_too_and_steer_their_turn(name: str) -> None:
    scene = Scene()
    one, two = await scene.read("one"), await scene.read("two")
    scene.socket.says(response("created", "r1", stream_id="one"))
    scene.socket.says(response("created", "r2", stream_id="two"))
    scene.link.send(b"steer", name)
    assert scene.socket.messages[2:] == [b"steer"]
    assert (one.turn.is_steered, two.turn.is_steered) == (name == "r1", name == "r2")


@pytest.mark.parametrize("stream_id", [None, "one"])
async def test_a_turn_keeps_its_items(stream_id: str | None) -> None:
    scene = Scene()
    reader = await scene.read(stream_id)
    item = {"type": "message", "id": "m1"}
    of_item = [event(f"response.output_item.{kind}", item=item) for kind in ("added", "done")]
    sent = [response("created", "r1"), of_item[0], delta(), of_item[1]]
    for each in sent:
        scene.socket.says(each)
    scene.socket.says(response("completed", "r1"))
    assert await reader.ended() == b"".join(sent) + response("completed", "r1")
    assert list(map(msgspec.json.decode, reader.turn.items)) == [item]
