"""Every kind of fault in every phase of a reply; particular faults: `test_faults.py`.

Each is met by four requests: with a whole body and with a streamed one, the reply read or (where
the sender can) piped. Each must end in one clear outcome, and leave the sender as it was.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest

from gateway.errors import TruncatedStream, UpstreamError, UpstreamTimeout, UpstreamUnavailable
from gateway.shapes import CallTimeouts, UpstreamCall
from gateway.upstream.transport.flight import Flight
from tests.addresses import held_port
from tests.upstream.conftest import GENEROUS, GET, World, WorldMaker, call, read
from tests.upstream.scripted import Peer, Script, chunked, replies, until, with_length
from tests.upstream.test_faults import full_backlog
from tests.waiting import PATIENCE

pytestmark = pytest.mark.anyio

PATIENT = CallTimeouts(first_byte=GENEROUS.first_byte, stream_idle=GENEROUS.stream_idle)
"""Of requests that must succeed, however busy the machine is."""
GOOD = GET.copy(timeouts=PATIENT)
OK = with_length(b"fine")
SHORT = 0.02
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"

BEFORE_THE_HEAD = {
    "asked": b"",
    "status-line": b"HTTP/1.1 2",
    "field": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "end-of-head": LENGTH[:-1],
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n",
}
IN_THE_BODY = {
    "length-headed": LENGTH,
    "length-part": LENGTH + b"part",
    "length-last": LENGTH + b"8 of the",
    "chunked-headed": CHUNKED,
    "chunk-size": CHUNKED + b"4",
    "chunk-part": CHUNKED + b"4\r\npa",
    "chunk-whole": CHUNKED + b"4\r\npart\r\n",
    "last-chunk": CHUNKED + b"4\r\npart\r\n0\r\n",
    "trailer": CHUNKED + b"4\r\npart\r\n0\r\nX-Trai",
}
PHASES = {**BEFORE_THE_HEAD, **IN_THE_BODY}
TOO_MUCH = {
    "field": b"x" * 200_000,
    "chunk-size": b";" + b"x" * 300_000,
    "trailer": b"x" * 200_000,
}


def faulty(sent: bytes, kind: str, more: bytes = b"") -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(sent + more)
        if kind == "reset":
            peer.reset()
        elif kind == "half-close":
            peer.half_close()
        if kind not in ("close", "reset"):
            await peer.gone()

    return script


async def upload() -> AsyncIterator[bytes]:
    yield b"{"
    yield b"}"


async def reading(world: World, request: UpstreamCall) -> bytes:
    return await read(await world.begin(request))


async def piping(world: World, request: UpstreamCall) -> bytes:
    body = b""

    def take(piece: bytes) -> bool:
        nonlocal body
        body += piece
        return True

    reply = await world.begin(request)
    assert isinstance(reply, Flight)
    await reply.pipe(take)
    return body


async def outcomes(before: WorldMaker, script: Script, **changes: object) -> list[object]:
    """Return how the requests end; after each the only connection that there may be is free."""
    ended: list[object] = []
    for streamed, piped in ((False, False), (True, False), (False, True), (True, True)):
        async with before(script, replies(OK), max_connections=1, **changes) as world:
            if piped and not hasattr(world.sender, "connection_opened"):
                continue
            request = call(upload()) if streamed else call(b"{}")
            try:
                async with asyncio.timeout(PATIENCE):
                    if piped:
                        ended.append(await piping(world, request))
                    else:
                        ended.append(await reading(world, request))
            except UpstreamError as error:
                ended.append(error)
            await until(lambda world=world: world.upstream.open == 0)  # type: ignore[misc]
            assert await world.fetch(GOOD) == (200, b"fine")
            assert world.upstream.connections == 2  # nothing is tried twice by itself
    return ended


@pytest.mark.parametrize("kind", ["close", "half-close"])
@pytest.mark.parametrize("phase", PHASES)
async def test_an_end_too_early_is_an_error_that_says_where(
    before: WorldMaker, phase: str, kind: str
) -> None:
    for outcome in await outcomes(before, faulty(PHASES[phase], kind)):
        assert type(outcome) is TruncatedStream or phase not in IN_THE_BODY
        assert isinstance(outcome, UpstreamError)
        assert not isinstance(outcome, UpstreamTimeout)


@pytest.mark.parametrize("phase", PHASES)
async def test_a_reset_is_an_error(before: WorldMaker, phase: str) -> None:
    """Where it struck cannot be told: it may overtake what was sent before it."""
    for outcome in await outcomes(before, faulty(PHASES[phase], "reset")):
        assert isinstance(outcome, UpstreamError)
        assert not isinstance(outcome, UpstreamTimeout)


@pytest.mark.parametrize("phase", BEFORE_THE_HEAD)
async def test_silence_before_the_head_ends_after_the_first_bytes_time(
    before: WorldMaker, phase: str
) -> None:
    timeouts = replace(GENEROUS, first_byte=SHORT)
    for outcome in await outcomes(before, faulty(PHASES[phase], "stall"), timeouts=timeouts):
        assert isinstance(outcome, UpstreamTimeout)
        assert "first_byte" in outcome.message


@pytest.mark.parametrize("phase", IN_THE_BODY)
async def test_silence_in_the_body_ends_after_the_streams_idle_time(
    before: WorldMaker, phase: str
) -> None:
    timeouts = replace(GENEROUS, stream_idle=SHORT)
    for outcome in await outcomes(before, faulty(PHASES[phase], "stall"), timeouts=timeouts):
        assert isinstance(outcome, UpstreamTimeout)
        assert "stream_idle" in outcome.message


async def test_silence_in_a_body_that_lasts_until_the_end_is_a_timeout_not_its_end(
    before: WorldMaker,
) -> None:
    timeouts = replace(GENEROUS, stream_idle=SHORT)
    for outcome in await outcomes(before, faulty(UNTIL_CLOSE + b"x", "stall"), timeouts=timeouts):
        assert isinstance(outcome, UpstreamTimeout)


@pytest.mark.parametrize("phase", ["asked", "end-of-head", "interim", "chunked-headed"])
async def test_garbage_is_an_error(before: WorldMaker, phase: str) -> None:
    script = faulty(PHASES[phase], "garbage", b"\x16\x03\x01\x00garbage\x00\r\n\r\n")
    for outcome in await outcomes(before, script):
        assert type(outcome) is (TruncatedStream if phase in IN_THE_BODY else UpstreamError)


@pytest.mark.parametrize("phase", TOO_MUCH)
async def test_too_much_beside_the_body_is_an_error(before: WorldMaker, phase: str) -> None:
    script = faulty(PHASES[phase], "oversize", TOO_MUCH[phase])
    for outcome in await outcomes(before, script):
        assert type(outcome) is (TruncatedStream if phase in IN_THE_BODY else UpstreamError)


@dataclass
class Drip:
    """Sends a reply byte by byte, slower than fast and faster than never."""

    raw: bytes
    pause: float = SHORT / 5

    async def __call__(self, peer: Peer) -> None:
        await peer.request()
        for position in range(len(self.raw)):
            await peer.send(self.raw[position : position + 1])
            await asyncio.sleep(self.pause)  # its slowness is what this is about


async def test_a_body_that_drips_is_not_silent_and_arrives(before: WorldMaker) -> None:
    timeouts = replace(GENEROUS, stream_idle=1.0)
    script = Drip(chunked(b"part", b"after", b"part"), 0.02)
    assert len(script.raw) * script.pause > timeouts.stream_idle
    for outcome in await outcomes(before, script, timeouts=timeouts):
        assert outcome == b"partafterpart"


async def test_a_head_that_drips_ends_after_the_first_bytes_time(before: WorldMaker) -> None:
    timeouts = replace(GENEROUS, first_byte=SHORT)
    for outcome in await outcomes(before, Drip(LENGTH + b"nine char"), timeouts=timeouts):
        assert isinstance(outcome, UpstreamTimeout)
        assert "first_byte" in outcome.message


@pytest.mark.parametrize("fault", ["refused", "black-holed"])
async def test_no_connection_is_unavailability_and_the_body_is_not_begun(
    before: WorldMaker, fault: str
) -> None:
    begun = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal begun
        begun = True
        yield b"{}"

    timeouts = replace(GENEROUS, connect=SHORT if fault == "black-holed" else 10.0)
    with ExitStack() as stack:
        port = stack.enter_context(full_backlog()) if fault == "black-holed" else held_port()
        base_url = f"http://127.0.0.1:{port}/v1"
        async with before(replies(OK), base_url=base_url, timeouts=timeouts) as world:
            for request in (call(b"{}"), call(body())):
                with pytest.raises(UpstreamUnavailable):
                    await reading(world, request)
    assert not begun


async def test_silence_on_a_reused_connection_is_not_a_race_and_nothing_is_sent_again(
    before: WorldMaker,
) -> None:
    timeouts = replace(GENEROUS, first_byte=SHORT)
    async with before(replies(OK), timeouts=timeouts, max_connections=1) as world:
        assert await world.fetch(GOOD) == (200, b"fine")
        with pytest.raises(UpstreamTimeout, match="first_byte"):
            await world.fetch()
        assert world.upstream.connections == 1


async def test_an_early_reply_that_stalls_while_the_body_is_sent_times_out(
    before: WorldMaker,
) -> None:
    timeouts = replace(GENEROUS, stream_idle=SHORT)
    body = b"x" * 64_000_000  # more than the socket buffers take

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(LENGTH + b"part")
        await asyncio.Event().wait()

    async with before(script, timeouts=timeouts) as world:
        with pytest.raises(UpstreamTimeout, match="stream_idle"):
            await world.fetch(call(body))
