"""Both senders over TLS, with a certificate made for the occasion."""

import asyncio
import socket
import ssl
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from gateway.errors import Reason, TruncatedStream, UpstreamError, UpstreamUnavailable
from gateway.shapes import UpstreamCall, UpstreamReply
from gateway.upstream import pool
from gateway.upstream.transport.arriving_reply import UNREAD_LIMIT
from gateway.upstream.transport.flight import Flight
from tests.certificates import LOCALHOST, Pair, make_pair
from tests.rows import module_fixture
from tests.upstream.conftest import GENEROUS, WorldMaker, call, read, sender_for, settings_for
from tests.upstream.scripted import Peer, replies, until, with_length
from tests.waiting import PATIENCE

pytestmark = pytest.mark.anyio

OK = with_length(b"fine")


@module_fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A key and a self-signed certificate for `localhost`, and no address."""
    return make_pair(tmp_path_factory.mktemp("tls"), "localhost", names=[LOCALHOST])


@pytest.fixture
def certificate(pair: Pair) -> Path:
    return pair.certificate


@pytest.fixture
def server_tls(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


async def test_a_verified_connection_carries_requests_and_is_reused(
    before: WorldMaker, server_tls: ssl.SSLContext, certificate: Path
) -> None:
    async with before(
        replies(OK, OK), tls=server_tls, host="localhost", verify=str(certificate)
    ) as world:
        assert await world.fetch() == (200, b"fine")
        assert await world.fetch() == (200, b"fine")
        assert world.upstream.connections == 1


@pytest.mark.parametrize(
    ("host", "why"),
    [("localhost", "self-signed certificate"), ("127.0.0.1", "IP address mismatch.*")],
    ids=["unknown-ca", "wrong-name"],
)
async def test_a_certificate_that_proves_nothing_is_not_accepted(
    before: WorldMaker, server_tls: ssl.SSLContext, certificate: Path, host: str, why: str
) -> None:
    verify = True if host == "localhost" else str(certificate)
    told = rf"'local' cannot be reached: its TLS certificate is not accepted \({why}\)\.$"
    async with before(replies(OK), tls=server_tls, host=host, verify=verify) as world:
        with pytest.raises(UpstreamUnavailable, match=told) as refused:
            await world.fetch()
    assert refused.value.reason is Reason.TLS


async def test_verification_can_be_switched_off(
    before: WorldMaker, server_tls: ssl.SSLContext
) -> None:
    async with before(replies(OK), tls=server_tls, verify=False) as world:
        assert await world.fetch() == (200, b"fine")


async def test_an_upstream_that_does_not_speak_tls_is_unavailable(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with before(script) as plain:
        base_url = f"https://localhost:{plain.upstream.port}/v1"
        async with before(replies(OK), base_url=base_url) as world:
            with pytest.raises(UpstreamUnavailable, match=r"'local' .*begin with http://"):
                await world.fetch()


async def test_a_handshake_that_stalls_times_out_or_can_be_cancelled(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.gone()

    async with before(script) as plain:
        base_url = f"https://127.0.0.1:{plain.upstream.port}/v1"
        timeouts = replace(GENEROUS, connect=0.05)
        async with before(replies(OK), base_url=base_url, timeouts=timeouts) as world:
            with pytest.raises(UpstreamUnavailable, match=r"timeouts\.connect"):
                await world.fetch()
        async with before(replies(OK), base_url=base_url) as world:
            await until(lambda: plain.upstream.open == 0)
            fetching = asyncio.create_task(world.fetch())
            await until(lambda: plain.upstream.open == 1)
            fetching.cancel()
            await asyncio.wait([fetching])
            await until(lambda: plain.upstream.open == 0)


@pytest.mark.parametrize("size", [16 * 1024, 16 * 1024 + 1, 110_000, 10_000_000])
async def test_large_bodies_are_sent_whole(
    before: WorldMaker, server_tls: ssl.SSLContext, size: int
) -> None:
    body = (bytes(range(251)) * 40_000)[:size]
    received = []

    async def script(peer: Peer) -> None:
        received.append((await peer.request()).body)
        await peer.send(OK)

    async with before(script, tls=server_tls, verify=False) as world:
        assert await world.fetch(call(body)) == (200, b"fine")
    assert received == [body]


async def test_a_large_body_arrives_unharmed_though_its_reader_pauses(
    before: WorldMaker, server_tls: ssl.SSLContext
) -> None:
    body = bytes(range(251)) * 40_000

    async with before(replies(with_length(body)), tls=server_tls, verify=False) as world:
        reply = await world.begin()
        received = bytearray()
        async for chunk in reply.chunks():
            received += chunk
            for _ in range(20):
                await asyncio.sleep(0)
        assert bytes(received) == body


async def test_a_large_body_is_piped_unharmed_though_its_taker_is_full(
    before: WorldMaker, server_tls: ssl.SSLContext
) -> None:
    body = bytes(range(251)) * 40_000
    received = bytearray()

    def take(piece: bytes) -> bool:
        received.extend(piece)
        return False

    async with before(replies(with_length(body)), tls=server_tls, verify=False) as world:
        reply = await world.begin()
        if not isinstance(reply, Flight):
            await reply.aclose()
            return
        task = asyncio.create_task(reply.pipe(take))
        while not task.done():
            for _ in range(20):
                await asyncio.sleep(0)
            held = len(received)
            reply.resume_reading()
            assert len(received) - held <= UNREAD_LIMIT + 256 * 1024
        await task
        assert bytes(received) == body


async def test_a_cut_connection_or_a_reply_given_up_leaves_nothing_behind(
    before: WorldMaker, server_tls: ssl.SSLContext
) -> None:
    async def cut(peer: Peer) -> None:
        await peer.request()
        await peer.send(with_length(b"whole")[:-1])

    async def waiting(peer: Peer) -> None:
        await peer.request()
        await peer.send(with_length(b"whole")[:-1])
        await peer.gone()

    async with before(cut, waiting, tls=server_tls, verify=False) as world:
        with pytest.raises(TruncatedStream):
            await world.fetch()
        for _ in range(20):
            reply = await world.begin()
            await reply.aclose()
            with pytest.raises(TruncatedStream):
                await read(reply)
        await until(lambda: world.upstream.open == 0)


async def test_cancelling_at_any_moment_leaves_nothing_behind(
    before: WorldMaker, server_tls: ssl.SSLContext
) -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(OK)

    cancelled = 0
    async with before(script, tls=server_tls, verify=False, max_connections=4) as world:
        for patience in range(150):
            fetching = asyncio.create_task(world.fetch())
            for _ in range(patience % 50):
                await asyncio.sleep(0)
            fetching.cancel()
            await asyncio.wait([fetching])
            cancelled += fetching.cancelled()
        assert cancelled > 10
        assert await world.fetch() == (200, b"fine")


@pytest.mark.parametrize("variant", ["pool-asyncio", "pool-uvloop"], indirect=True)
@pytest.mark.parametrize("delivered", [False, True])
async def test_a_post_is_sent_again_only_if_its_tls_connection_was_closed_already(
    variant: str, server_tls: ssl.SSLContext, delivered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_TRUSTED_SECONDS", inf)
    connections: list[ssl.SSLSocket] = []

    def serve_one(listening: socket.socket) -> None:
        accepted, _ = listening.accept()
        connections.append(server_tls.wrap_socket(accepted, server_side=True))
        assert connections[-1].recv(65536)
        connections[-1].sendall(OK)

    def close(connection: ssl.SSLSocket) -> None:
        connection.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            connection.unwrap()  # sends close_notify, and would wait for the other's
        connection.close()

    async def sending(request: UpstreamCall) -> UpstreamReply:
        return await sender.send(request)

    with socket.create_server(("localhost", 0)) as listening:
        listening.settimeout(PATIENCE)
        settings = settings_for(f"https://localhost:{listening.getsockname()[1]}/v1", verify=False)
        sender = sender_for(variant, settings)
        serving = asyncio.create_task(asyncio.to_thread(serve_one, listening))
        assert await read(await sender.send(call())) == b"fine"
        await serving
        request = call(b"paid for")
        serving = asyncio.create_task(asyncio.to_thread(serve_one, listening))
        if delivered:
            fetching = asyncio.create_task(sending(request))
            assert (await asyncio.to_thread(connections[0].recv, 65536)).endswith(b"paid for")
            close(connections[0])
            with pytest.raises(UpstreamError, match="closed the connection"):
                await fetching
            reply = await sender.send(call(b"next"))
        else:
            close(connections[0])
            reply = await sender.send(request)
        assert await read(reply) == b"fine"
        assert request.resends == (0 if delivered else 1)
        await serving
        connections[-1].close()
        await sender.aclose()
