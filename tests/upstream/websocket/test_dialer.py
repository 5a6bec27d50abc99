"""Dialling: the request of a handshake, its refusals, and nothing left of what is given up."""

import asyncio
import ssl
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy
from gateway.errors import InvalidRequest, UpstreamError, UpstreamTimeout, UpstreamUnavailable
from gateway.shapes import CallTimeouts
from gateway.sockets import Refused
from gateway.upstream.websocket.opening import Opening
from tests import kinds
from tests.certificates import LOCALHOST, Pair, make_pair
from tests.rows import module_fixture
from tests.upstream.conftest import GENEROUS, read
from tests.upstream.scripted import Peer, Request, until, with_length
from tests.upstream.websocket.scene import (
    REALTIME,
    User,
    accepting,
    before,
    dialling,
    serving,
)

pytestmark = pytest.mark.anyio

CLIENTS = (
    (b"host", b"gateway"),
    (b"authorization", b"Bearer sk-client"),
    (b"connection", b"Upgrade, x-stainless-lang"),
    (b"upgrade", b"websocket"),
    (b"sec-websocket-key", b"Y2xpZW50cyBvd24ga2V5IQ=="),
    (b"sec-websocket-version", b"13"),
    (b"sec-websocket-extensions", b"permessage-deflate"),
    (b"sec-websocket-protocol", b"realtime"),
    (b"openai-beta", b"realtime=v1"),
    (b"openai-safety-identifier", b"hash"),
    (b"x-stainless-lang", b"js"),
    (b"x-stainless-os", b"Linux"),
    (b"session-id", b"s1"),
    (b"cookie", b"a=b"),
    (b"origin", b"https://page.example"),
)


async def test_the_request_has_the_upstreams_credential_and_allowed_fields_only() -> None:
    seen: list[Request] = []

    async def script(peer: Peer) -> None:
        seen.append(await accepting(peer, "Sec-WebSocket-Protocol: realtime", "x-a: b"))
        await peer.gone()

    async with before(
        script,
        credential=CredentialPolicy.KEY,
        api_key=Secret("sk-upstream"),
        forward_headers=("session-id",),
    ) as dialer:
        opened = await dialer.dial(REALTIME.copy(client_headers=CLIENTS))
        assert (opened.protocol, opened.headers) == ("realtime", ((b"x-a", b"b"),))
        opened.attach(User())
        opened.abort()
    (request,) = seen
    assert (request.method, request.target) == ("GET", "/v1/realtime?model=gpt-realtime")
    fields = dict(request.headers)
    key = fields.pop("sec-websocket-key")
    assert key != "Y2xpZW50cyBvd24ga2V5IQ=="
    host = fields.pop("host")
    assert host.startswith("127.0.0.1:")
    assert (
        fields
        == {
            "accept-encoding": "identity",
            "authorization": "Bearer sk-upstream",
            "connection": "Upgrade",
            "openai-beta": "realtime=v1",
            "openai-safety-identifier": "hash",
            "sec-websocket-protocol": "realtime",
            "sec-websocket-version": "13",
            "session-id": "s1",
            "upgrade": "websocket",
            "x-gateway-hops": fields["x-gateway-hops"],
            "x-stainless-os": "Linux",
        }
        or fields.keys() - {"via"} == set()
    )


async def test_the_callers_key_is_sent_in_the_upstreams_form() -> None:
    seen: list[Request] = []

    async def script(peer: Peer) -> None:
        seen.append(await accepting(peer))
        await peer.gone()

    async with before(
        script, kind=kinds.AZURE, credential=CredentialPolicy.CALLER, path="/openai/v1"
    ) as dialer:
        opened = await dialer.dial(REALTIME.copy(client_headers=CLIENTS))
        opened.attach(User())
        opened.abort()
    assert seen[0].header("api-key") == "sk-client"
    assert seen[0].header("authorization") is None
    assert seen[0].target == "/openai/v1/realtime?model=gpt-realtime"


async def test_a_reply_that_is_not_101_is_the_refusal() -> None:
    body = b'{"error": {"message": "bad key"}}'

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(with_length(body, "401 Unauthorized", "x-request-id: r1"))
        await peer.gone()

    async with before(script) as dialer:
        with pytest.raises(Refused) as caught:
            await dialer.dial(REALTIME)
        reply = caught.value.reply
        assert reply.status == 401
        assert (b"x-request-id", b"r1") in reply.headers
        assert await read(reply) == body
        await until(lambda: dialer.open == 0)


async def test_a_long_refusal_waits_to_be_read_and_can_be_given_up() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 500 Oops\r\n\r\n")
        while True:
            await peer.send(b"x" * 65536)

    async with before(script) as dialer:
        with pytest.raises(Refused) as caught:
            await dialer.dial(REALTIME)
        reply = caught.value.reply
        await until(lambda: len(reply.peek()) > 65536)
        await reply.aclose()
        await until(lambda: dialer.open == 0)


async def test_a_refusals_body_may_come_slowly() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.drip(with_length(b"not here", "404 Not Found"))
        await peer.gone()

    async with before(script) as dialer:
        with pytest.raises(Refused) as caught:
            await dialer.dial(REALTIME)
        assert await read(caught.value.reply) == b"not here"


async def test_a_dial_that_is_cancelled_leaves_nothing() -> None:
    arrived = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        arrived.set()
        await peer.gone()

    async with before(script) as dialer:
        dial = asyncio.ensure_future(dialer.dial(REALTIME))
        await arrived.wait()
        dial.cancel()
        await asyncio.wait({dial})
        assert dial.cancelled()
        await until(lambda: dialer.open == 0)


async def test_a_connection_that_is_lost_after_the_handshake_is_not_a_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = Opening.reply

    async def then_lost(opening: Opening, head: bytes) -> tuple[bytes, int | None]:
        found = await original(opening, head)
        opening._connection.abort()
        return found

    async def script(peer: Peer) -> None:
        await accepting(peer)
        await peer.gone()

    monkeypatch.setattr(Opening, "reply", then_lost)
    async with before(script) as dialer:
        with pytest.raises(UpstreamError, match="after the WebSocket handshake"):
            await dialer.dial(REALTIME)


async def test_a_refusal_that_is_cancelled_leaves_nothing() -> None:
    arrived = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.0 500 Oops\r\n")
        await peer.send(b"\r\n")
        arrived.set()
        await peer.gone()

    async with before(script, timeouts=GENEROUS) as dialer:
        dial = asyncio.ensure_future(dialer.dial(REALTIME))
        await arrived.wait()
        dial.cancel()
        await asyncio.wait({dial})
        if dial.cancelled():
            return
        caught = dial.exception()
        assert isinstance(caught, Refused)
        await caught.reply.aclose()


async def test_the_timeouts_are_those_of_the_calls_model() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.gone()

    async with before(script) as dialer:
        with pytest.raises(UpstreamTimeout):
            await dialer.dial(REALTIME.copy(timeouts=CallTimeouts(first_byte=0.05)))


async def test_an_upstream_that_is_not_there_is_unavailable() -> None:
    async with dialling("http://127.0.0.1:9/v1") as dialer:
        with pytest.raises(UpstreamUnavailable, match="refused"):
            await dialer.dial(REALTIME)


async def test_a_path_that_leads_out_is_refused_before_anything_is_opened() -> None:
    async with dialling("http://127.0.0.1:9/v1") as dialer:
        with pytest.raises(InvalidRequest):
            await dialer.dial(REALTIME.copy(path="/../realtime"))


async def test_a_dialer_that_is_closed_drops_its_sockets_and_opens_none() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serving(handler) as url, dialling(url) as dialer:
        users = [User(), User()]
        for user in users:
            (await dialer.dial(REALTIME)).attach(user)
        assert dialer.open == 2
        await dialer.aclose()
        assert [user.end for user in users] == [(1006, "")] * 2
        with pytest.raises(UpstreamUnavailable, match="stopping"):
            await dialer.dial(REALTIME)


async def test_a_dial_in_progress_fails_when_the_dialer_is_closed() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.gone()

    async with before(script) as dialer:
        dial = asyncio.ensure_future(dialer.dial(REALTIME))
        await until(lambda: dialer.open == 1)
        await dialer.aclose()
        with pytest.raises(UpstreamError):
            await dial


async def test_a_connection_that_opens_after_the_end_is_dropped() -> None:
    async def script(peer: Peer) -> None:
        await peer.gone()

    async with before(script) as dialer:
        dial = asyncio.ensure_future(dialer.dial(REALTIME))
        await asyncio.sleep(0)
        await dialer.aclose()
        with pytest.raises(UpstreamUnavailable, match="stopping"):
            await dial


@module_fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("tls"), "localhost", names=[LOCALHOST])


@pytest.fixture
def certificate(pair: Pair) -> Path:
    return pair.certificate


@pytest.fixture
def server_tls(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


async def test_sockets_are_opened_over_tls(server_tls: ssl.SSLContext, certificate: Path) -> None:
    async def handler(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serving(handler, ssl=server_tls) as served:
        url = served.replace("http:", "https:")
        async with dialling(url, verify=str(certificate)) as dialer:
            with pytest.raises(UpstreamUnavailable, match="TLS"):
                await dialer.dial(REALTIME)
        named = url.replace("127.0.0.1", "localhost")
        async with dialling(named, limit=1 << 24, verify=str(certificate)) as dialer:
            opened = await dialer.dial(REALTIME)
            user = User()
            opened.attach(user)
            opened.send(b"x" * 3_000_000)
            await until(lambda: bool(user.messages))
            assert user.messages == [b"x" * 3_000_000]
            opened.close()
            await user.ended.wait()
            await until(lambda: dialer.open == 0)
