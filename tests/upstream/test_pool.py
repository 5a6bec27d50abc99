"""What only the gateway's own pool promises, beyond the contract of `test_senders.py`."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy
from gateway.errors import InvalidRequest, TruncatedStream, UpstreamError, UpstreamUnavailable
from gateway.upstream.pool import Pool
from gateway.upstream.transport.arriving_reply import UNREAD_LIMIT
from gateway.upstream.transport.dial import Dialer
from tests import kinds
from tests.upstream.conftest import GENEROUS, GET, WorldMaker, call, read
from tests.upstream.scripted import Peer, chunked, replies, until, with_length

pytestmark = pytest.mark.anyio

OK = with_length(b"fine")


@pytest.fixture(params=["pool-asyncio", "pool-uvloop"])
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def endless_upload() -> AsyncIterator[bytes]:
    yield b"begun"
    await asyncio.Event().wait()


async def test_chunks_that_arrive_together_come_together(before: WorldMaker) -> None:
    async with before(replies(chunked(*[b"data: {}\n\n"] * 200))) as world:
        reply = await world.begin()
        chunks = [chunk async for chunk in reply.chunks()]
        assert len(chunks) < 10
        assert b"".join(chunks) == b"data: {}\n\n" * 200


async def test_a_request_is_not_repeated_once_a_byte_of_the_reply_came(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        await peer.send(b"H")

    async with before(script) as world:
        await world.fetch()
        with pytest.raises(UpstreamError, match="in the middle of a reply's head"):
            await world.fetch()
        assert world.upstream.connections == 1


async def test_a_reply_that_comes_before_the_upload_ends_is_delivered(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(with_length(b"too large", "413 Content Too Large"))
        await peer.gone()

    async with before(script) as world:
        assert await world.fetch(call(endless_upload())) == (413, b"too large")
        await until(lambda: world.upstream.open == 0)
        assert world.sender.stats().idle == 0


async def test_a_long_reply_that_comes_before_the_upload_ends_is_read_to_its_end(
    before: WorldMaker,
) -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(chunked(b"one", b"two")[:-13])
        await more.wait()
        await peer.send(chunked(b"one", b"two")[-13:])
        await peer.gone()

    async with before(script) as world:
        reply = await world.begin(call(endless_upload()))
        more.set()
        assert await read(reply) == b"onetwo"
        await until(lambda: world.upstream.open == 0)


async def test_a_streamed_body_is_never_sent_on_a_reused_connection(before: WorldMaker) -> None:
    async def upload() -> AsyncIterator[bytes]:
        yield b"a"

    async with before(replies(OK, OK), max_connections=1) as world:
        await world.fetch()
        assert world.sender.stats().idle == 1
        assert await world.fetch(call(upload())) == (200, b"fine")
        assert world.upstream.connections == 2
        await until(lambda: world.upstream.open == 1)  # max_connections holds all the time


@pytest.mark.parametrize("extra", [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong", b"?"])
async def test_bytes_that_nobody_asked_for_never_answer_the_next_request(
    before: WorldMaker, extra: bytes
) -> None:
    async with before(replies(OK + extra)) as world:
        assert await world.fetch() == (200, b"fine")
        assert await world.fetch() == (200, b"fine")
        assert world.upstream.connections == 2


async def test_a_flood_of_interim_replies_is_an_error(before: WorldMaker) -> None:
    flood = b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" * 20_000
    async with before(replies(flood + OK)) as world:
        with pytest.raises(UpstreamError, match="its head is longer"):
            await world.fetch()


async def test_an_idle_connection_that_receives_anything_is_closed(before: WorldMaker) -> None:
    may_speak = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await may_speak.wait()
        await peer.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    async with before(script) as world:
        await world.fetch()
        assert world.sender.stats().idle == 1
        may_speak.set()
        await until(lambda: world.sender.stats().idle == 0)
        await until(lambda: world.upstream.open == 0)


async def test_an_upstream_that_speaks_first_or_hangs_up_is_an_upstream_error(
    before: WorldMaker,
) -> None:
    async def greets(peer: Peer) -> None:
        await peer.send(b"220 mail.example ESMTP\r\n")
        await peer.gone()

    async def hangs_up(peer: Peer) -> None:
        return

    async with before(greets, hangs_up) as world:
        for _ in range(2):
            with pytest.raises(UpstreamError, match="Upstream 'local'"):
                await world.fetch()


async def test_an_idle_connection_is_closed_after_its_time(before: WorldMaker) -> None:
    async with before(replies(OK), keepalive_expiry=0.3) as world:
        await world.fetch()
        assert world.sender.stats().idle == 1
        await until(lambda: world.sender.stats().idle == 0 and world.upstream.open == 0)


async def test_a_connection_is_not_used_beyond_its_greatest_age(before: WorldMaker) -> None:
    async with before(replies(OK, OK), max_connection_age=0.0) as world:
        await world.fetch()
        assert world.sender.stats().idle == 0
        await world.fetch()
        assert world.upstream.connections == 2


async def test_a_connection_that_grew_too_old_while_idle_is_replaced(before: WorldMaker) -> None:
    async with before(replies(OK, OK), max_connection_age=0.2) as world:
        await world.fetch()
        loop = asyncio.get_running_loop()
        end = loop.time() + 0.2
        await until(lambda: loop.time() > end)
        await world.fetch()
        assert world.upstream.connections == 2


async def test_the_connection_used_last_is_used_first(before: WorldMaker) -> None:
    used: list[int] = []

    async def script(peer: Peer) -> None:
        number = world.upstream.connections
        while True:
            await peer.request()
            used.append(number)
            await peer.send(OK)

    async with before(script) as world:
        await asyncio.gather(world.fetch(), world.fetch())
        for _ in range(3):
            await world.fetch()
        assert len(set(used[2:])) == 1


async def test_a_reply_need_not_be_read_to_free_its_connection_once_it_is_here(
    before: WorldMaker,
) -> None:
    async with before(replies(OK, OK, OK), max_connections=1) as world:
        first = await world.begin()
        await until(lambda: world.sender.stats().in_flight == 0)
        second = await world.begin()
        assert await read(second) == b"fine"
        assert await read(first) == b"fine"
        unread = await world.begin()
        await unread.aclose()
        with pytest.raises(TruncatedStream, match="given up"):
            await read(unread)


async def test_what_waits_unread_is_bounded(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
        for _ in range(50):
            await peer.send(b"x" * 1_000_000)
        await peer.gone()

    async with before(script) as world:
        reply = await world.begin()
        for _ in range(1000):
            await asyncio.sleep(0)
        largest = total = 0
        async for chunk in reply.chunks():
            largest = max(largest, len(chunk))
            total += len(chunk)
        assert total == 50_000_000
        # One read beyond the limit is the most that can be there: 256 KiB at a time.
        assert largest <= UNREAD_LIMIT + 256 * 1024


async def test_more_requests_than_may_wait_are_refused_at_once(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.gone()

    async with before(script, max_connections=1) as world:
        fetches = [asyncio.create_task(world.fetch()) for _ in range(5)]
        await until(lambda: world.sender.stats().queued == 4)
        with pytest.raises(UpstreamUnavailable, match="4 more are waiting"):
            await world.fetch()
        for fetch in fetches:
            fetch.cancel()
        await asyncio.wait(fetches)


async def test_closing_fails_what_is_under_way_and_what_waits(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if world.upstream.connections == 1:
            await peer.send(b"HTTP/1.1 200 OK\r\n\r\nuntil close")
        await peer.gone()

    async with before(script, max_connections=2) as world:
        reply = await world.begin()
        chunks = reply.chunks()
        assert await anext(chunks) == b"until close"
        unanswered = asyncio.create_task(world.fetch())
        await until(lambda: world.upstream.connections == 2)
        queued = asyncio.create_task(world.fetch())
        await until(lambda: world.sender.stats().queued == 1)
        await world.sender.aclose()
        with pytest.raises(TruncatedStream):
            await anext(chunks)
        with pytest.raises(UpstreamError):
            await unanswered
        with pytest.raises(UpstreamUnavailable, match="is stopping"):
            await queued
        with pytest.raises(UpstreamUnavailable, match="is stopping"):
            await world.fetch()


async def test_a_lost_race_is_not_replayed_into_a_closed_pool(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        asked.set()
        await peer.gone()

    asked = asyncio.Event()
    async with before(script) as world:
        await world.fetch()
        again = asyncio.create_task(world.fetch())
        await asked.wait()
        await world.sender.aclose()
        with pytest.raises(UpstreamUnavailable, match="is stopping"):
            await again
        assert world.upstream.connections == 1


async def test_a_connection_that_opens_while_the_pool_closes_is_closed(before: WorldMaker) -> None:
    async with before(replies(OK)) as world:
        fetching = asyncio.create_task(world.fetch())
        await asyncio.sleep(0)  # now it is connecting
        await world.sender.aclose()
        with pytest.raises(UpstreamError):
            await fetching


@pytest.mark.parametrize("size", [16 * 1024, 16 * 1024 + 1, 110_000, 10_000_000])
async def test_large_bodies_are_sent_whole(before: WorldMaker, size: int) -> None:
    body = (bytes(range(251)) * 40_000)[:size]
    received = []

    async def script(peer: Peer) -> None:
        received.append((await peer.request()).body)
        await peer.send(OK)
        await peer.gone()

    async with before(script) as world:
        assert await world.fetch(call(body)) == (200, b"fine")
    assert received == [body]


async def test_a_reply_to_a_body_that_was_not_read_does_not_leave_the_rest_behind(
    before: WorldMaker,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(with_length(b"no", "401 Unauthorized"))
        await peer.gone()

    async with before(script) as world:
        # More than the socket buffers take: a part of it is unsent when the reply is complete.
        assert await world.fetch(call(b"x" * 64_000_000)) == (401, b"no")
        assert world.sender.stats().idle == 0
        await until(lambda: world.upstream.open == 0)


async def test_every_address_of_a_name_is_tried(
    before: WorldMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def addresses(_: Dialer) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]  # nobody listens at the first

    monkeypatch.setattr(Dialer, "_resolve", addresses)
    async with before(replies(OK), host="upstream.test") as world:
        assert await world.fetch() == (200, b"fine")


async def test_an_azure_key_goes_as_azure_wants_it(before: WorldMaker) -> None:
    seen = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(OK)
        await peer.gone()

    azure = {"kind": kinds.AZURE, "credential": CredentialPolicy.KEY, "api_key": Secret("k")}
    async with before(script, timeouts=GENEROUS, **azure) as world:
        await world.fetch(GET.copy(client_headers=((b"authorization", b"Bearer theirs"),)))
    assert seen[0].header("api-key") == "k"
    assert seen[0].header("authorization") is None


async def test_a_call_is_begun_on_an_idle_connection_only(before: WorldMaker) -> None:
    async with before(replies(OK, OK), replies(OK), max_connections=1) as world:
        pool = world.sender
        assert isinstance(pool, Pool)
        assert pool.begin(call(), lambda: None) is None
        assert pool.stats().in_flight == 0
        await world.fetch()
        assert pool.begin(call(endless_upload()), lambda: None) is None
        assert pool.stats().in_flight == 0
        notified = asyncio.Event()
        begun = pool.begin(call(), notified.set)
        assert begun is not None
        assert pool.begin(call(), notified.set) is None  # no slot is free
        assert pool.stats().in_flight == 1
        await notified.wait()
        begun.take_over()
        assert await read(begun) == b"fine"
        assert pool.stats().in_flight == 0
        assert world.upstream.connections == 1


async def test_a_call_that_cannot_be_sent_takes_no_slot(before: WorldMaker) -> None:
    async with before(replies(OK)) as world:
        assert isinstance(world.sender, Pool)
        await world.fetch()
        with pytest.raises(InvalidRequest):
            world.sender.begin(call(method="get"), lambda: None)
        assert world.sender.stats().in_flight == 0


async def test_a_begun_call_that_lost_its_connection_is_sent_again(before: WorldMaker) -> None:
    """As any other: where the upstream has closed before it had any of it."""
    closing = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await closing.wait()
        peer.half_close()
        await peer.gone()

    async with before(script, replies(OK)) as world:
        assert isinstance(world.sender, Pool)
        await world.fetch()
        request, notified = call(b"", method="GET", path="/models"), asyncio.Event()
        begun = world.sender.begin(request, notified.set)
        assert begun is not None
        closing.set()
        await notified.wait()
        reply = await world.sender.end(request, begun)
        assert await read(reply) == b"fine"
        assert request.resends == 1
        assert world.sender.stats().in_flight == 0


async def test_a_begun_call_that_fails_gives_its_slot_back(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()

    async with before(script) as world:
        assert isinstance(world.sender, Pool)
        await world.fetch()
        notified = asyncio.Event()
        begun = world.sender.begin(call(), notified.set)
        assert begun is not None
        await notified.wait()
        with pytest.raises(UpstreamError):
            await world.sender.end(call(), begun)
        assert world.sender.stats().in_flight == 0
