"""An open socket: messages and frames both ways, backpressure, and every kind of end."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.frames import Close, Frame, Opcode

from gateway.upstream.websocket import open_socket
from gateway.upstream.websocket.open_socket import OpenSocket
from tests.upstream.conftest import GENEROUS
from tests.upstream.scripted import Peer, until
from tests.upstream.websocket.scene import (
    REALTIME,
    Handler,
    User,
    accepting,
    before,
    dialling,
    serving,
)

pytestmark = pytest.mark.anyio

FRAMES, PINGS = "frames", "pings"


def frame(opcode: int, content: bytes = b"", *, masked: bool = False, fin: bool = True) -> bytes:
    return Frame(Opcode(opcode), content, fin).serialize(mask=masked)


def closing(code: int, reason: str = "", *, masked: bool = False) -> bytes:
    return frame(8, Close(code, reason).serialize(), masked=masked)


def attached(opened: OpenSocket, mode: str = "") -> User:
    user = User()
    if mode:
        opened.take_frames(pings=mode == PINGS)
    opened.attach(user)
    return user


@asynccontextmanager
async def to(
    handler: Handler, mode: str = "", limit: int = 1 << 20, **changes: Any
) -> AsyncIterator[tuple[OpenSocket, User]]:
    async with serving(handler) as url, dialling(url, limit, **changes) as dialer:
        opened = await dialer.dial(REALTIME)
        yield opened, attached(opened, mode)
        opened.abort()
        await until(lambda: dialer.open == 0)


@asynccontextmanager
async def hearing(
    *sent: bytes, mode: str = "", limit: int = 1 << 20, **changes: Any
) -> AsyncIterator[tuple[OpenSocket, User, bytearray]]:
    """Give a socket whose upstream sends these bytes, and notes what it gets."""
    heard = bytearray()

    async def script(peer: Peer) -> None:
        await accepting(peer, rest=sent[0])
        for data in sent[1:]:
            await peer.send(data)
        while data := await peer.reader.read(65536):
            heard.extend(data)

    async with before(script, limit=limit, **changes) as dialer:
        opened = await dialer.dial(REALTIME)
        yield opened, attached(opened, mode), heard
        opened.abort()
        await until(lambda: dialer.open == 0)


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def test_messages_go_both_ways() -> None:
    async with to(echo) as (opened, user):
        texts = [b"one", "zwölf".encode(), b"x" * 200_000]
        assert opened.send(texts[0])
        opened.send_all(texts[1:])
        await until(lambda: len(user.messages) == 3)
        assert user.messages == texts
        opened.close(1000, "done")
        await user.ended.wait()
        assert user.end == (1000, "done")
        assert opened.send(b"dropped")


async def test_fragments_are_joined_and_pings_answered() -> None:
    sent = frame(1, b"a", fin=False) + frame(9, b"p") + frame(0, b"b", fin=False) + frame(0, b"c")
    async with hearing(sent + frame(10)) as (_, user, heard):
        await until(lambda: len(heard) == 7)
        assert user.messages == [b"abc"]
        assert heard[0] == 0x8A


async def test_frames_come_as_they_are_without_control_frames() -> None:
    texts = frame(1, b"a" * 200) + frame(1, b"b" * 70_000)
    sent = (frame(9, b"p") + texts[:300], texts[300:] + closing(3001, "bye"))
    async with hearing(*sent, mode=FRAMES) as (_, user, heard):
        await user.ended.wait()
        assert (bytes(user.frames), user.complete, user.end) == (texts, True, (3001, "bye"))
        await until(lambda: len(heard) == 7 + 6 + 2 + 3)
        assert (heard[0], heard[7]) == (0x8A, 0x88)


async def test_pings_are_handed_over_where_they_are_asked_for() -> None:
    sent = frame(9, b"p") + frame(1, b"a")
    async with hearing(sent + closing(1000), mode=PINGS) as (_, user, heard):
        await user.ended.wait()
        assert bytes(user.frames) == sent
        await until(lambda: len(heard) == 8)
        assert heard[0] == 0x88


async def test_a_scanner_shows_where_messages_begin_and_a_piece_says_whether_it_is_complete() -> (
    None
):
    async with before(never_ending) as dialer:
        opened = await dialer.dial(REALTIME)
        scanner = opened.take_frames(pings=False)
        user = User()
        opened.attach(user)
        assert bytes(user.frames) == frame(1, b"ab") + frame(1, b"cd")[:3]
        assert (user.complete, scanner.begins, scanner.boundary) == (False, [0, 4], 4)
        opened.abort()


async def never_ending(peer: Peer) -> None:
    await accepting(peer, rest=frame(1, b"ab") + frame(1, b"cd")[:3])
    await peer.gone()


async def test_clients_frames_are_sent_as_they_are() -> None:
    piece = frame(1, b"x" * 300, masked=True)
    async with hearing(b"", mode=FRAMES) as (opened, _, heard):
        assert opened.send_frames(piece[:100], complete=False)
        assert opened.send_frames(piece[100:], complete=True)
        await until(lambda: bytes(heard) == piece)


async def test_what_the_socket_has_to_say_waits_for_the_end_of_a_frame() -> None:
    piece, heard = frame(1, b"x" * 300, masked=True), bytearray()

    async def script(peer: Peer) -> None:
        await accepting(peer)
        heard.extend(await peer.reader.readexactly(100))
        await peer.send(frame(9, b"p") + frame(1, b"!"))
        while data := await peer.reader.read(65536):
            heard.extend(data)

    async with before(script) as dialer:
        opened = await dialer.dial(REALTIME)
        user = attached(opened, FRAMES)
        opened.send_frames(piece[:100], complete=False)
        await until(lambda: bool(user.frames))
        opened.send_frames(piece[100:], complete=True)
        await until(lambda: len(heard) == len(piece) + 7)
        assert heard.startswith(piece)
        assert heard[len(piece)] == 0x8A
        opened.abort()


async def test_inside_a_frame_nothing_else_can_follow_so_the_connection_is_dropped() -> None:
    async with hearing(b"", mode=FRAMES) as (opened, user, heard):
        opened.send_frames(frame(1, b"x" * 300, masked=True)[:100], complete=False)
        opened.close(1000)
        await user.ended.wait()
        assert user.end == (1006, "")
        assert len(heard) <= 100


@pytest.mark.parametrize("mode", ["", FRAMES])
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\xc1\x00", 1002),
        (frame(1, b"x", masked=True), 1002),
        (frame(0, b"x"), 1002),
        (frame(1, b"x" * 2000), 1009),
        (frame(8, b"\x03"), 1002),
    ],
    ids=["reserved bit", "masked", "unbegun", "too large", "half a code"],
)
async def test_who_breaks_the_protocol_is_shown_out(mode: str, sent: bytes, code: int) -> None:
    async with hearing(sent, mode=mode, limit=1000) as (opened, user, heard):
        await user.ended.wait()
        assert user.end is not None
        assert (user.end[0], user.messages, bytes(user.frames)) == (1006, [], b"")
        assert user.end[1]
        assert opened.send(b"dropped")
        assert opened.send_frames(b"dropped", complete=True)
        await until(lambda: len(heard) > 8)
        key, text = heard[2:6], heard[6:8]
        assert bytes(a ^ b for a, b in zip(text, key, strict=False)) == code.to_bytes(2, "big")
        assert user.ends == 1


@pytest.mark.parametrize("mode", ["", FRAMES, PINGS])
@pytest.mark.parametrize(
    ("bad", "end", "code"),
    [
        (b"\xc1\x00", 1006, 1002),
        (frame(1, b"x", masked=True), 1006, 1002),
        (frame(1, b"x" * 2000), 1006, 1009),
        (frame(8, b"\x03"), 1006, 1002),
        (closing(4000) + b"\xc1\x00", 4000, 4000),
    ],
    ids=["reserved bit", "masked", "too large", "half a code", "after a close"],
)
async def test_what_came_whole_before_a_bad_frame_is_handed_over(
    mode: str, bad: bytes, end: int, code: int
) -> None:
    good = frame(1, b"one") + frame(1, b"t", fin=False) + frame(0, b"wo")
    async with hearing(good + bad, mode=mode, limit=1000) as (_, user, heard):
        await user.ended.wait()
        assert user.end is not None
        assert user.end[0] == end
        assert bytes(user.frames) == (good if mode else b"")
        assert user.messages == ([] if mode else [b"one", b"two"])
        await until(lambda: len(heard) >= 8)
        found = bytes(a ^ b for a, b in zip(heard[6:8], heard[2:6], strict=False))
        assert found == code.to_bytes(2, "big")


@pytest.mark.parametrize(
    ("sent", "code", "reason"),
    [
        (frame(2, b"x") + frame(1, b"y"), 1003, "this API has no binary messages"),
        (frame(1, b"\xff"), 1007, "a message is not UTF-8"),
    ],
)
async def test_messages_are_texts(sent: bytes, code: int, reason: str) -> None:
    async with hearing(sent) as (_, user, heard):
        await user.ended.wait()
        assert (user.end, user.messages) == ((1006, reason), [])
        await until(lambda: len(heard) > 8)
        assert bytes(a ^ b for a, b in zip(heard[6:8], heard[2:6], strict=False)) == (
            code.to_bytes(2, "big")
        )


async def test_a_close_without_a_code_is_passed_on_as_such() -> None:
    async with hearing(frame(8)) as (_, user, _):
        await user.ended.wait()
        assert user.end == (1005, "")


@pytest.mark.parametrize(
    ("code", "reason", "seen"),
    [
        (4000, "ä" * 100, (4000, "ä" * 61)),
        (1005, "", (1005, "")),
        (1006, "", (1006, "")),
    ],
)
async def test_the_upstream_learns_of_the_end(code: int, reason: str, seen: Any) -> None:
    ends: list[Any] = []

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        ends.append((connection.close_code, connection.close_reason))

    async with to(handler) as (opened, user):
        opened.close(code, reason)
        opened.close(1000)
        await user.ended.wait()
        await until(lambda: bool(ends))
    assert ends == [seen]


async def test_an_upstream_that_does_not_answer_a_close_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(open_socket, "CLOSE_SECONDS", 0.05)
    async with hearing(b"", mode=FRAMES) as (opened, user, _):
        opened.close(1000)
        await user.ended.wait()
        assert user.end == (1006, "")


@pytest.mark.parametrize("mode", ["", FRAMES])
async def test_nothing_is_handed_over_after_a_close_of_our_own(mode: str) -> None:
    async def script(peer: Peer) -> None:
        await accepting(peer)
        await peer.reader.readexactly(8)
        await peer.send(frame(1, b"late") + closing(1000, "bye"))
        await peer.gone()

    async with before(script) as dialer:
        opened = await dialer.dial(REALTIME)
        user = attached(opened, mode)
        opened.pause_reading()
        opened.close(1000)
        opened.pause_reading()
        await user.ended.wait()
        assert (user.end, user.messages, bytes(user.frames)) == ((1000, "bye"), [], b"")
        opened.abort()


@pytest.mark.parametrize("reset", [False, True])
async def test_an_end_without_a_close_is_abnormal(reset: bool) -> None:
    async def script(peer: Peer) -> None:
        await accepting(peer)
        await peer.reader.read(1)
        if reset:
            peer.reset()

    async with before(script) as dialer:
        opened = await dialer.dial(REALTIME)
        user = attached(opened)
        opened.send(b"x")
        await user.ended.wait()
        assert (user.end, user.ends) == ((1006, ""), 1)
        opened.pause_reading()
        opened.resume_reading()
        await until(lambda: dialer.open == 0)
        opened.close()


async def test_who_attaches_after_the_end_learns_of_it() -> None:
    async with serving(echo) as url, dialling(url) as dialer:
        opened = await dialer.dial(REALTIME)
        await dialer.aclose()
        assert attached(opened).end == (1006, "")


async def test_nothing_is_read_while_the_user_pauses() -> None:
    sending = 0

    async def handler(connection: ServerConnection) -> None:
        nonlocal sending
        while True:
            await connection.send("x" * 100_000)
            sending += 1

    async with to(handler, FRAMES) as (opened, user):
        opened.pause_reading()
        before_it = -1
        while sending > before_it:
            before_it = sending
            await asyncio.sleep(0.05)
        # What is in the buffers of both kernels and of the server.
        assert sending * 100_000 < 20_000_000
        assert len(user.frames) < 2_000_000
        opened.resume_reading()
        await until(lambda: len(user.frames) > before_it * 100_000)


async def test_a_slow_upstream_is_waited_for() -> None:
    go_on = asyncio.Event()
    size = 0

    async def script(peer: Peer) -> None:
        nonlocal size
        await accepting(peer)
        await go_on.wait()
        while data := await peer.reader.read(1 << 20):
            size += len(data)

    async with before(script) as dialer:
        opened = await dialer.dial(REALTIME)
        user = attached(opened)
        count = 1
        while opened.send(b"x" * 100_000):
            count += 1
        assert user.drains == 0
        go_on.set()
        await until(lambda: user.drains == 1)
        await until(lambda: size == count * (100_000 + 14))
        opened.abort()


async def test_an_upstream_may_read_on_when_nobody_waits_any_more() -> None:
    size = 0

    async def script(peer: Peer) -> None:
        nonlocal size
        await accepting(peer)
        await peer.reader.readexactly(100_000)
        await peer.send(closing(1000))
        while data := await peer.reader.read(1 << 20):
            size += len(data)

    async with before(script) as dialer:
        opened = await dialer.dial(REALTIME)
        user = attached(opened)
        while opened.send(b"x" * 1_000_000):
            pass
        await user.ended.wait()
        await until(lambda: not opened._full)
        assert user.drains == 0
        opened.abort()


async def test_an_upstream_that_never_reads_is_dropped() -> None:
    done = asyncio.Event()

    async def script(peer: Peer) -> None:
        await accepting(peer)
        await done.wait()

    async with before(script, timeouts=replace(GENEROUS, stream_idle=0.1)) as dialer:
        opened = await dialer.dial(REALTIME)
        user = attached(opened)
        while opened.send(b"x" * 100_000):
            pass
        await user.ended.wait()
        assert user.end == (1006, "")
        done.set()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has it")
async def test_the_kernel_misses_an_upstream_that_vanishes_with_what_it_was_sent() -> None:
    async def script(peer: Peer) -> None:
        await accepting(peer)
        await peer.gone()

    async with before(script) as dialer:
        opened = await dialer.dial(REALTIME)
        connected = opened._transport.get_extra_info("socket")
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000
        opened.attach(User())
        opened.abort()
