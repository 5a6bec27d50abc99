"""Frames pass between two sockets as they come, at the pace of the slower one, and so do ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.exchange.sockets import pair
from gateway.exchange.sockets.pair import RealtimeSession
from gateway.sockets import Leaving
from tests.exchange.sockets.scene import FakeSocket, frame

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def paired() -> AsyncIterator[tuple[FakeSocket, FakeSocket, RealtimeSession]]:
    """Run a session; both sockets must be over in the end."""
    client, upstream = FakeSocket(), FakeSocket(((b"x-a", b"b"),), "realtime")
    session = RealtimeSession(upstream)
    running = asyncio.ensure_future(session.run(client))
    await asyncio.sleep(0)
    yield client, upstream, session
    await running
    await session.aclose()


def end(client: FakeSocket, upstream: FakeSocket) -> None:
    client.ends(1000)
    upstream.ends(1000)


async def test_frames_pass_untouched_and_so_do_pings() -> None:
    async with paired() as (client, upstream, session):
        assert (session.kind, session.headers) == ("realtime", ((b"x-a", b"b"),))
        assert client.pings
        assert upstream.pings
        sent, heard = frame(b"x" * 300), frame(b"p", opcode=9) + frame(b"y" * 70_000)
        client.says(sent[:50])
        client.says(sent[50:])
        upstream.says(heard)
        assert (bytes(upstream.frames), bytes(client.frames)) == (sent, heard)
        end(client, upstream)


async def test_the_slower_side_sets_the_pace() -> None:
    async with paired() as (client, upstream, _):

        def paused_sides() -> tuple[bool, bool]:
            return client.is_paused, upstream.is_paused

        assert paused_sides() == (False, False)
        upstream.is_slow = True
        client.says(frame(b"1"))
        assert paused_sides() == (True, False)
        upstream.says(frame(b"2"))
        assert paused_sides() == (True, False)
        upstream.reads()
        assert paused_sides() == (False, False)
        client.is_slow = True
        upstream.says(frame(b"3"))
        assert paused_sides() == (False, True)
        client.reads()
        assert paused_sides() == (False, False)
        end(client, upstream)


@pytest.mark.parametrize("end_of", [(1000, "done"), (1005, ""), (3001, "x"), (1011, "oops")])
async def test_the_clients_end_is_the_upstreams(end_of: tuple[int, str]) -> None:
    async with paired() as (client, upstream, _):
        client.ends(*end_of)
        assert (upstream.closes, upstream.is_aborted) == ([end_of], False)
        upstream.ends(*end_of)


@pytest.mark.parametrize("end_of", [(1000, "done"), (1005, ""), (4001, "x"), (1012, "restart")])
async def test_the_upstreams_end_is_the_clients(end_of: tuple[int, str]) -> None:
    async with paired() as (client, upstream, _):
        upstream.ends(*end_of)
        assert client.closes == [end_of]
        client.ends(*end_of)


async def test_a_client_that_breaks_the_protocol_ends_the_upstream_in_order() -> None:
    async with paired() as (client, upstream, _):
        client.ends(1006, "a frame is not masked")
        end_of = 1001, "The client has broken the WebSocket protocol."
        assert (upstream.closes, upstream.is_aborted) == ([end_of], False)
        upstream.ends(*end_of)


async def test_a_client_that_is_lost_drops_the_upstream() -> None:
    async with paired() as (client, upstream, _):
        client.ends(1006)
        assert (upstream.closes, upstream.is_aborted) == ([], True)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("", "The connection to the upstream was lost."),
        ("a frame is masked", "The upstream has broken the WebSocket protocol: a frame is masked."),
    ],
)
async def test_an_upstream_that_is_lost_does_not_look_like_an_end_in_order(
    reason: str, said: str
) -> None:
    async with paired() as (client, upstream, _):
        upstream.ends(1006, reason)
        assert client.closes == [(1011, said)]
        client.ends(1011)


async def test_draining_lets_a_session_go_on() -> None:
    async with paired() as (client, upstream, session):
        for leaving in Leaving:
            session.drain(leaving)
        upstream.says(frame(b"on"))
        assert (client.closes, upstream.closes) == ([], [])
        assert client.frames == frame(b"on")
        end(client, upstream)


@asynccontextmanager
async def cancelled(upstream: FakeSocket, *pieces: bytes) -> AsyncIterator[FakeSocket]:
    """Cancel a session once the upstream has said something; it must end with the block."""
    client = FakeSocket()
    running = asyncio.ensure_future(RealtimeSession(upstream).run(client))
    await asyncio.sleep(0)
    for piece in pieces:
        upstream.says(piece)
    running.cancel()
    await asyncio.sleep(0)
    yield client
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_cancelled_session_closes_both_after_a_whole_frame() -> None:
    heard, upstream = frame(b"y" * 300), FakeSocket()
    async with cancelled(upstream, heard[:100]) as client:
        assert client.closes == []
        upstream.says(heard[100:] + frame(b"more"))
        assert client.closes == [(1012, "The gateway is shutting down; connect again.")]
        assert upstream.closes == [(1001, "")]
        assert client.frames.startswith(heard)
        upstream.says(frame(b"late"))
        client.ends(1012)


async def test_between_frames_it_closes_at_once() -> None:
    upstream = FakeSocket()
    async with cancelled(upstream) as client:
        assert (client.closes[0][0], upstream.closes) == (1012, [(1001, "")])
        client.ends(1012)


async def test_it_does_not_wait_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair, "LAST_SECONDS", 0.01)
    async with cancelled(FakeSocket(), frame(b"y" * 300)[:100]) as client:
        pass
    assert client.closes == []


async def test_a_session_that_never_runs_drops_the_upstream() -> None:
    upstream = FakeSocket()
    await RealtimeSession(upstream).aclose()
    assert upstream.is_aborted
