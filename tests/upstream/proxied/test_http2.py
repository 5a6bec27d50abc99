"""HTTP/2 with real servers: whole and streamed, shared connections, and how they end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from gateway.config.secret import Secret
from gateway.errors import Reason, TruncatedStream, UpstreamError, UpstreamTimeout
from tests.certificates import Pair, make_pair
from tests.rows import module_fixture
from tests.upstream.conftest import GENEROUS, GET, World, call, read, sender_for, settings_for
from tests.upstream.proxied.http2_server import Http2Peer, Stream, echoes, over_http2, server_tls
from tests.upstream.proxied.tunnel import tunnels_to
from tests.upstream.scripted import Script, replies, scripted, until, with_length

pytestmark = pytest.mark.anyio


@module_fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("http2"))


@pytest.fixture(params=["direct", "proxied"])
def is_proxied(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "proxied")


@asynccontextmanager
async def before(
    pair: Pair, *scripts: Script, is_proxied: bool = False, **changes: Any
) -> AsyncIterator[World]:
    async with (
        scripted(*scripts, tls=server_tls(pair)) as origin,
        scripted(tunnels_to(origin, [])) as proxy,
    ):
        if is_proxied:
            changes["proxy"] = Secret(proxy.base_url.removesuffix("/v1"))
        settings = settings_for(
            origin.base_url, verify=str(pair.certificate), http2=True, **changes
        )
        world = World(sender_for("httpcore2", settings), origin)
        try:
            yield world
            await until(lambda: world.sender.stats().in_flight == 0)
        finally:
            await world.sender.aclose()
        await until(lambda: origin.open + proxy.open == 0)


async def upload(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_whole_and_streamed_bodies_go_there_and_back(pair: Pair, is_proxied: bool) -> None:
    seen: list[Stream] = []

    async def script(http2: Http2Peer) -> None:
        while True:
            stream = await http2.request()
            seen.append(stream)
            await http2.reply(stream, b"one ", stream.body[:16])

    large = b"x" * 300_000
    async with before(pair, over_http2(script), is_proxied=is_proxied) as world:
        reply = await world.begin(call(b"whole"))
        assert (reply.status, reply.headers) == (200, ((b"x-request-id", b"7"),))
        assert await read(reply) == b"one whole"
        for body, length in ((upload(b"a", large), 300_001), (upload(large, b"b"), None)):
            status, _ = await world.fetch(call(body, body_length=length))
            assert status == 200
        assert (await world.fetch(GET.copy(query=b'q="'))) == (200, b"one ")
        assert world.upstream.connections == 1
        port = world.upstream.port
    assert [each.body for each in seen] == [b"whole", b"a" + large, large + b"b", b""]
    assert seen[3].headers == {
        ":method": "GET",
        ":authority": f"127.0.0.1:{port}",
        ":scheme": "https",
        ":path": '/v1/models?q="',
        "accept-encoding": "identity",
        "x-gateway-hops": seen[3].headers["x-gateway-hops"],
    }


async def test_requests_share_a_connection(pair: Pair, is_proxied: bool) -> None:
    async def script(http2: Http2Peer) -> None:
        first = await http2.request()
        await http2.reply(first, b"first")
        waiting = [await http2.request() for _ in range(3)]
        for stream in reversed(waiting):
            await http2.reply(stream, stream.body)
        await http2.peer.gone()

    async with before(pair, over_http2(script), is_proxied=is_proxied) as world:
        assert await world.fetch() == (200, b"first")
        fetched = await asyncio.gather(*(world.fetch(call(b"%d" % n)) for n in range(3)))
        assert fetched == [(200, b"0"), (200, b"1"), (200, b"2")]
        assert world.upstream.connections == 1


async def test_a_server_without_http2_is_spoken_to_as_it_can(pair: Pair) -> None:
    ok = with_length(b"fine")
    async with scripted(replies(ok, ok), tls=server_tls(pair, "http/1.1")) as origin:
        settings = settings_for(origin.base_url, verify=str(pair.certificate), http2=True)
        world = World(sender_for("httpcore2", settings), origin)
        fetched = await asyncio.gather(*(world.fetch(call(b"{}")) for _ in range(2)))
        assert fetched == [(200, b"fine")] * 2
        await world.sender.aclose()


async def test_a_whole_request_that_a_server_left_out_is_sent_again(pair: Pair) -> None:
    async def leaves_out(http2: Http2Peer) -> None:
        first = await http2.request()
        await http2.reply(first, b"first")
        await http2.request()
        await http2.end(last=first.number)
        await http2.peer.gone()

    body = b"x" * 100_000
    async with before(pair, over_http2(leaves_out), over_http2(echoes)) as world:
        assert await world.fetch() == (200, b"first")
        assert await world.fetch(call(body)) == (200, body)
        assert world.upstream.connections == 2


@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_streamed_one_that_was_left_out_is_not_sent_again_as_another(
    pair: Pair, is_announced: bool
) -> None:
    async def leaves_out(http2: Http2Peer) -> None:
        first = await http2.request()
        await http2.reply(first, b"first")
        assert (await http2.request()).body == b"onetwo"
        await http2.end(last=first.number)
        await http2.peer.gone()

    length = 6 if is_announced else None
    async with before(pair, over_http2(leaves_out), over_http2(echoes)) as world:
        assert await world.fetch() == (200, b"first")
        with pytest.raises(UpstreamError, match="cannot send again") as refused:
            await world.fetch(call(upload(b"one", b"two"), body_length=length))
        assert refused.value.reason is Reason.CLOSED
        assert world.upstream.connections == 1
        assert await world.fetch(call(b"next")) == (200, b"next")


@pytest.mark.parametrize("last", [3, 2**31 - 1], ids=["the last", "any"])
async def test_a_server_that_leaves_goes_on_with_the_requests_that_it_has(
    pair: Pair, last: int, is_proxied: bool
) -> None:
    async def leaves(http2: Http2Peer) -> None:
        one = await http2.request()
        await http2.reply(one, b"begun ", ends=False)
        other = await http2.request()
        await http2.leave(last)
        await http2.reply(other, b"other")
        await http2.go_on(one, b"ended")
        await http2.peer.gone()

    async with before(pair, over_http2(leaves), over_http2(echoes), is_proxied=is_proxied) as world:
        chunks = (await world.begin()).chunks()
        assert await anext(chunks) == b"begun "
        assert await world.fetch(call(b"{}")) == (200, b"other")
        assert await world.fetch(call(b"elsewhere")) == (200, b"elsewhere")
        assert b"".join([chunk async for chunk in chunks]) == b"ended"
        assert world.upstream.connections == 2


async def test_a_server_that_leaves_with_an_error_cuts_its_replies(pair: Pair) -> None:
    async def leaves(http2: Http2Peer) -> None:
        await http2.reply(await http2.request(), b"begun ", ends=False)
        await http2.leave(1, error=2)
        await http2.peer.gone()

    async with before(pair, over_http2(leaves), over_http2(echoes)) as world:
        chunks = (await world.begin()).chunks()
        assert await anext(chunks) == b"begun "
        with pytest.raises(TruncatedStream):
            await anext(chunks)
        assert await world.fetch(call(b"next")) == (200, b"next")


async def test_a_reply_that_is_cut_is_known_to_be(pair: Pair, is_proxied: bool) -> None:
    async def cuts(http2: Http2Peer) -> None:
        await http2.reply(await http2.request(), b"some", ends=False)

    async with before(pair, over_http2(cuts), is_proxied=is_proxied) as world:
        reply = await world.begin()
        chunks = reply.chunks()
        assert await anext(chunks) == b"some"
        with pytest.raises(TruncatedStream, match="broke off its reply"):
            await anext(chunks)


async def test_a_stream_that_falls_silent_is_given_up(pair: Pair) -> None:
    async def stalls(http2: Http2Peer) -> None:
        await http2.reply(await http2.request(), b"some", ends=False)
        await http2.peer.gone()

    timeouts = replace(GENEROUS, stream_idle=0.05)
    async with before(pair, over_http2(stalls), timeouts=timeouts) as world:
        with pytest.raises(UpstreamTimeout, match=r"timeouts\.stream_idle"):
            await read(await world.begin())


BROKEN = b"\x00\x00\x04\x08\x00" + bytes(8)
"""A frame that makes a window larger by nothing, which is forbidden (RFC 9113 section 6.9)."""


async def test_a_server_that_breaks_the_rules_before_the_head_is_to_blame(pair: Pair) -> None:
    async def breaks(http2: Http2Peer) -> None:
        await http2.request()
        await http2.peer.send(BROKEN)
        await http2.peer.gone()

    async with before(pair, over_http2(breaks)) as world:
        with pytest.raises(UpstreamError, match="without a usable reply") as refused:
            await world.fetch()
        assert (refused.value.status, refused.value.reason) == (502, Reason.BAD_HTTP)


async def test_a_server_that_breaks_the_rules_in_a_body_cuts_it(pair: Pair) -> None:
    read_some = asyncio.Event()

    async def breaks(http2: Http2Peer) -> None:
        await http2.reply(await http2.request(), b"some", ends=False)
        await read_some.wait()
        await http2.peer.send(BROKEN)
        await http2.peer.gone()

    async with before(pair, over_http2(breaks)) as world:
        chunks = (await world.begin()).chunks()
        assert await anext(chunks) == b"some"
        read_some.set()
        with pytest.raises(TruncatedStream, match="broke off its reply"):
            await anext(chunks)


async def test_a_request_that_is_lost_at_reuse_is_sent_again_if_it_is_safe(pair: Pair) -> None:
    async def loses(http2: Http2Peer) -> None:
        await http2.reply(await http2.request(), b"first")
        await http2.request()

    async with before(pair, over_http2(loses)) as world:
        asked = GET.copy()
        assert [await world.fetch(GET), await world.fetch(asked)] == [(200, b"first")] * 2
        assert (asked.resends, world.upstream.connections) == (1, 2)
        with pytest.raises(UpstreamError) as refused:
            await world.fetch(call(b"paid for"))
        assert refused.value.reason is Reason.CLOSED
        assert world.upstream.connections == 2


async def test_a_client_that_leaves_ends_the_connection_that_it_had_alone(
    pair: Pair, is_proxied: bool
) -> None:
    """Frames that nobody wants would otherwise go on, in the window of all."""

    async def goes_on(http2: Http2Peer) -> None:
        await http2.reply(await http2.request(), b"some", ends=False)
        await http2.peer.gone()

    async with before(pair, over_http2(goes_on), is_proxied=is_proxied) as world:
        for _ in range(3):
            reply = await world.begin()
            assert await anext(reply.chunks()) == b"some"
            await reply.aclose()
            await until(lambda: world.upstream.open == 0)
        assert world.upstream.connections == 3


async def test_a_client_that_leaves_before_the_head_ends_it_too(
    pair: Pair, is_proxied: bool
) -> None:
    asked = asyncio.Event()

    async def thinks(http2: Http2Peer) -> None:
        await http2.request()
        asked.set()
        await http2.peer.gone()

    async with before(pair, over_http2(thinks), is_proxied=is_proxied) as world:
        fetching = asyncio.create_task(world.fetch())
        await asked.wait()
        fetching.cancel()
        await asyncio.wait([fetching])
        await until(lambda: world.upstream.open == 0)


async def test_a_reply_that_is_too_late_ends_it_too(pair: Pair) -> None:
    async def thinks(http2: Http2Peer) -> None:
        await http2.request()
        await http2.peer.gone()

    timeouts = replace(GENEROUS, first_byte=0.05)
    async with before(pair, over_http2(thinks), timeouts=timeouts) as world:
        with pytest.raises(UpstreamTimeout, match=r"timeouts\.first_byte"):
            await world.fetch()
        await until(lambda: world.upstream.open == 0)


async def test_others_on_the_connection_of_one_that_leaves_are_served_to_their_end(
    pair: Pair, is_proxied: bool
) -> None:
    left = asyncio.Event()

    async def goes_on(http2: Http2Peer) -> None:
        await http2.reply(await http2.request(), b"first")
        streams = [await http2.request() for _ in range(2)]
        for stream in streams:
            await http2.reply(stream, b"some", ends=False)
        await left.wait()
        for stream in streams:
            await http2.go_on(stream, b" more")
        await http2.peer.gone()

    scripts = over_http2(goes_on), over_http2(echoes)
    async with before(pair, *scripts, is_proxied=is_proxied) as world:
        assert await world.fetch() == (200, b"first")
        leaving, staying = await asyncio.gather(world.begin(), world.begin())
        assert await anext(leaving.chunks()) == b"some"
        await leaving.aclose()
        assert await world.fetch(call(b"next")) == (200, b"next")
        assert world.upstream.connections == 2
        left.set()
        assert await read(staying) == b"some more"
        await until(lambda: world.upstream.open == 1)
