"""The wait for the reply to a handshake ends with its head, the connection, or the time."""

from dataclasses import replace

import pytest

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.sockets import Refused
from gateway.upstream.websocket.opening import Opening
from tests.upstream.conftest import GENEROUS, read
from tests.upstream.scripted import Peer, until, with_length
from tests.upstream.websocket.scene import REALTIME, User, accepting, before, switched

pytestmark = pytest.mark.anyio


async def test_a_head_may_come_byte_by_byte_after_interim_ones() -> None:
    async def script(peer: Peer) -> None:
        request = await peer.head()
        key = request.header("sec-websocket-key") or ""
        await peer.drip(b"HTTP/1.1 103 Early Hints\r\n\r\n" + switched(key) + b"\x81\x02hi")
        await peer.gone()

    async with before(script) as dialer:
        opened = await dialer.dial(REALTIME)
        user = User()
        opened.attach(user)
        await until(lambda: bool(user.messages))
        assert user.messages == [b"hi"]
        opened.abort()


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "without a reply"),
        (b"HTTP/1.1 101 Switch", "in the middle of a reply's head"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "cannot be used"),
        (b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: x\r\n\r\n", "cannot be used"),
    ],
)
async def test_what_is_not_a_reply_is_an_error(sent: bytes, message: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(sent)

    async with before(script) as dialer:
        with pytest.raises(UpstreamError, match=message):
            await dialer.dial(REALTIME)


async def test_a_head_without_an_end_is_refused() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 101 Switching\r\nx: " + b"y" * 70_000)
        await peer.gone()

    async with before(script) as dialer:
        with pytest.raises(UpstreamError, match="its head is longer"):
            await dialer.dial(REALTIME)


async def test_an_upstream_that_says_nothing_is_given_up() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.gone()

    async with before(script, timeouts=replace(GENEROUS, first_byte=0.05)) as dialer:
        with pytest.raises(UpstreamTimeout, match=r"handshake within 0\.05 s"):
            await dialer.dial(REALTIME)


async def test_a_connection_that_is_closed_already_is_not_waited_for() -> None:
    async def script(peer: Peer) -> None:
        await peer.gone()

    async with before(script) as dialer:
        connection = await dialer._connect()
        connection.abort()
        assert await Opening(connection, "local", 10.0).reply(b"GET") == (b"", None)


async def test_a_reply_to_its_end_may_come_with_the_end_of_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(with_length(b"no sockets", "426 Upgrade Required"))

    async with before(script) as dialer:
        with pytest.raises(Refused) as caught:
            await dialer.dial(REALTIME)
        assert caught.value.reply.status == 426
        assert await read(caught.value.reply) == b"no sockets"


async def test_a_connection_that_ends_after_its_101_is_not_a_socket() -> None:
    async def script(peer: Peer) -> None:
        await accepting(peer)
        peer.reset()

    async with before(script) as dialer:
        try:
            opened = await dialer.dial(REALTIME)
        except UpstreamError:
            return  # the reset was faster than the loop
        user = User()
        opened.attach(user)
        await user.ended.wait()
        assert user.end == (1006, "")
