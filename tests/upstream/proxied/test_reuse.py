"""Servers that end each connection after its answer, without a word: through httpcore2, too.

The requests that such a server loses at the worst moment are counted in `../test_delivery.py`.
"""

import asyncio
import ssl
from math import inf
from pathlib import Path
from types import SimpleNamespace

import httpcore2
import pytest

from gateway.config.secret import Secret
from gateway.errors import Reason, UpstreamError
from gateway.upstream import early_ends
from gateway.upstream.early_ends import EarlyEnds
from gateway.upstream.proxied.reuse import WatchedConnection
from tests.certificates import make_pair
from tests.loop_clock import LoopClock
from tests.upstream.conftest import World, WorldMaker, call, sender_for, settings_for
from tests.upstream.proxied.tunnel import tunnels_to
from tests.upstream.scripted import Peer, Request, Script, replies, scripted, until, with_length
from tests.upstream.test_early_ends import Lasting

pytestmark = pytest.mark.anyio

OK = with_length(b"fine")
POST = call(b"paid for")


@pytest.fixture
def soon_is_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every end be one that is due to the answer, however slow this machine is."""
    monkeypatch.setattr(early_ends, "SOON", inf)


only_here = pytest.mark.parametrize("variant", ["httpcore2-asyncio"], indirect=True)


async def closes(peer: Peer) -> None:
    """Answer one request, then close the connection."""
    await peer.request()
    await peer.send(OK)


async def ends(peer: Peer) -> None:
    """Answer one request, and be over only once the connection is closed."""
    await closes(peer)
    peer.writer.close()
    await peer.writer.wait_closed()


async def loses(peer: Peer) -> None:
    """Answer one request, then reset the connection at the next."""
    await peer.request()
    await peer.send(OK)
    await peer.reader.readexactly(1)
    peer.reset()


async def fetch_until_it_ends(world: World) -> None:
    assert await world.fetch(POST.copy()) == (200, b"fine")
    await until(lambda: world.upstream.open == 0)


@only_here
async def test_a_connection_is_used_again_once_it_has_outlived_its_answer(
    before: WorldMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting = Lasting()
    async with before(ends, ends, ends, lasting, keepalive_expiry=1000.0) as world:
        with monkeypatch.context() as patch:
            patch.setattr(early_ends, "SOON", inf)
            for _ in range(3):
                await fetch_until_it_ends(world)
        with monkeypatch.context() as patch:
            await lasting.check_use(lambda: world.fetch(POST.copy()), LoopClock(patch))


@only_here
@pytest.mark.usefixtures("soon_is_always")
async def test_one_that_may_be_ending_holds_no_request_up(
    before: WorldMaker,
) -> None:
    """Not even with a single slot: all others wait for it to be free."""
    scripts = (ends, ends, ends, replies(OK))
    async with before(*scripts, keepalive_expiry=1000.0, max_connections=1) as world:
        for _ in range(3):
            await fetch_until_it_ends(world)
        fetched = await asyncio.gather(*(world.fetch(POST.copy()) for _ in range(5)))
        assert fetched == [(200, b"fine")] * 5
        assert world.upstream.connections == 8
        await until(lambda: world.upstream.open <= 2)


@only_here
@pytest.mark.usefixtures("soon_is_always")
async def test_a_connection_that_carries_a_second_answer_shows_that_others_do(
    before: WorldMaker,
) -> None:
    async def ends_later(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await ends(peer)

    scripts = (ends, ends, ends_later, ends, replies(OK, OK))
    async with before(*scripts, keepalive_expiry=1000.0) as world:
        for _ in range(2):
            await fetch_until_it_ends(world)
        await world.fetch(POST.copy())
        for _ in range(2):
            await fetch_until_it_ends(world)
        assert world.upstream.connections == 4
        for _ in range(2):
            await world.fetch(POST.copy())
        assert world.upstream.connections == 5


class Shared(httpcore2.AsyncConnectionInterface):
    """A connection of HTTP/2, whose requests are lost together."""

    idle = False

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        return httpcore2.Response(200)

    def is_available(self) -> bool:
        return True

    def has_expired(self) -> bool:
        return False

    def is_idle(self) -> bool:
        return self.idle

    def can_multiplex(self) -> bool:
        return True

    def is_connected(self) -> bool:
        return False

    def is_closed(self) -> bool:
        return False

    def can_handle_request(self, origin: httpcore2.Origin) -> bool:
        return origin.port == 443

    def info(self) -> str:
        return "shared"


async def test_what_the_pool_asks_of_a_connection_is_answered_by_it() -> None:
    """What is not overridden would be the library's default, whatever the connection says."""
    asked = {name for name in dir(httpcore2.AsyncConnectionInterface) if not name.startswith("_")}
    made_of_the_others = {"request", "stream"}
    assert asked - vars(WatchedConnection).keys() == made_of_the_others
    connection = WatchedConnection(Shared(), EarlyEnds(1000.0))
    assert connection.can_multiplex()
    assert not connection.is_connected()
    assert not connection.is_closed()
    assert not connection.is_idle()
    origins = [httpcore2.Origin(b"https", b"model.test", port) for port in (443, 8443)]
    assert [connection.can_handle_request(origin) for origin in origins] == [True, False]
    assert connection.info() == "shared"


@pytest.mark.usefixtures("soon_is_always")
async def test_one_that_carries_a_request_is_not_about_to_end() -> None:
    known = EarlyEnds(1000.0)
    now = asyncio.get_running_loop().time()
    for _ in range(3):
        known.ended(1, 0.0, now)
    connection = WatchedConnection(Shared(), known)
    assert not connection.has_expired()
    assert connection.is_available()


@pytest.mark.usefixtures("soon_is_always")
async def test_one_that_ends_counts_once_however_many_requests_it_carried() -> None:
    known, shared = EarlyEnds(1000.0), Shared()
    connection = WatchedConnection(shared, known)
    shared.idle = True
    assert not connection.has_expired()
    shared.idle = False
    requests = [
        httpcore2.Request("POST", "https://a/", extensions={"trace": SimpleNamespace()})
        for _ in range(3)
    ]
    for request in requests:
        await connection.handle_async_request(request)
    for request in requests:
        request.extensions["trace"].note_loss()
    assert not known.may_come(0.0, asyncio.get_running_loop().time())


async def test_one_with_a_request_that_was_given_up_takes_no_other_and_is_closed() -> None:
    class Failing(Shared):
        error: BaseException = httpcore2.ConnectionNotAvailable()

        async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
            raise self.error

    failing = Failing()
    connection = WatchedConnection(failing, EarlyEnds(1000.0))
    trace = SimpleNamespace()
    request = httpcore2.Request("POST", "https://a/", extensions={"trace": trace})
    with pytest.raises(httpcore2.ConnectionNotAvailable):
        await connection.handle_async_request(request)
    assert (connection.is_available(), connection.has_expired()) == (True, False)
    failing.error = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await connection.handle_async_request(request)
    assert (connection.is_available(), connection.has_expired()) == (False, True)
    another = WatchedConnection(Shared(), EarlyEnds(1000.0))
    await another.handle_async_request(request)
    assert another.is_available()
    trace.note_leaving()
    assert (another.is_available(), another.has_expired()) == (False, True)


@pytest.mark.parametrize("script", [closes, loses])
@pytest.mark.usefixtures("soon_is_always")
async def test_such_a_server_behind_a_forward_proxy_loses_few_requests(
    script: Script, tmp_path: Path
) -> None:
    """Through a tunnel, so that the proxy has no say in it."""
    pair = make_pair(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair.certificate, pair.key)

    asked: list[Request] = []
    async with (
        scripted(script, tls=tls) as origin,
        scripted(tunnels_to(origin, asked)) as through,
    ):
        settings = settings_for(
            "https://localhost:8000/v1",
            verify=str(pair.certificate),
            proxy=Secret(through.base_url.removesuffix("/v1")),
            keepalive_expiry=1000.0,
        )
        world = World(sender_for("httpcore2-asyncio", settings), origin)
        lost: list[Reason | None] = []
        for _ in range(20):
            try:
                assert await world.fetch(POST.copy()) == (200, b"fine")
            except UpstreamError as error:
                lost.append(error.reason)
        assert lost in [[Reason.CLOSED] * times for times in range(4)]
        await world.sender.aclose()
        await until(lambda: through.open + origin.open == 0)
    assert {(each.method, each.target) for each in asked} == {("CONNECT", "localhost:8000")}
