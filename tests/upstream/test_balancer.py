"""Several addresses of one upstream, over real sockets: who is asked, and who is asked next."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from gateway.errors import InvalidRequest, Reason, UpstreamError, UpstreamUnavailable
from gateway.shapes import UpstreamReply
from gateway.upstream.balancer import Balancer
from gateway.upstream.health import FAILURES_IN_A_ROW, FIRST_PAUSE, Health
from gateway.upstream.slots import UpstreamStats
from tests.addresses import NO_SUCH_HOST, held_port
from tests.loop_clock import LoopClock
from tests.upstream.conftest import GENEROUS, GET, call, read, sender_for, settings_for
from tests.upstream.scripted import Peer, Script, ScriptedUpstream, scripted, until, with_length
from tests.upstream.test_faults import full_backlog, wait_turns
from tests.upstream.test_loading import LLAMA_CPP

pytestmark = pytest.mark.anyio

LOADING = with_length(LLAMA_CPP, "503 Service Unavailable", "retry-after: 7")
POST = call()


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


class Server:
    """What an address does, which a test changes: it answers with its name, unless told else."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reply: bytes | None = None
        self.closes = False
        self.served = 0
        self.held: asyncio.Event | None = None

    async def __call__(self, peer: Peer) -> None:
        while True:
            await peer.request()
            self.served += 1
            if self.held is not None:
                await self.held.wait()
            if self.closes:
                return
            await peer.send(self.reply or with_length(self.name.encode()))


@dataclass
class Cluster:
    """A balancer over several servers."""

    balancer: Balancer
    servers: list[Server]
    clock: Clock
    changes: list[tuple[str, Reason | None]]
    urls: Sequence[str]

    async def fetch(self, request: Any = None) -> str:
        """Send a request; return the answer, the name of the server that gave it."""
        reply = await self.begin(request)
        return (await read(reply)).decode()

    async def begin(self, request: Any = None) -> UpstreamReply:
        return await self.balancer.send(POST.copy() if request is None else request)

    def ups(self) -> list[bool]:
        return [address.up for address in self.balancer.health()]


@asynccontextmanager
async def cluster(
    variant: str, *servers: Server | str, scripts: Sequence[Script] = (), **changes: Any
) -> AsyncIterator[Cluster]:
    """Serve; a text instead of a server is the base URL of an address where nobody is."""
    async with AsyncExitStack() as stack:
        urls: list[str] = []
        for server in servers:
            if isinstance(server, Server):
                upstream: ScriptedUpstream = await stack.enter_async_context(scripted(server))
                urls.append(upstream.base_url)
            else:
                urls.append(server)
        settings = settings_for(urls[0], further_urls=tuple(urls[1:]), **changes)
        clock, seen = Clock(), list[tuple[str, Reason | None]]()
        healths = [Health(url, lambda url, why: seen.append((url, why)), clock) for url in urls]
        make = [partial(sender_for, variant, replace(settings, base_url=url)) for url in urls]
        balancer = Balancer(settings, healths, make)
        real = [server for server in servers if isinstance(server, Server)]
        try:
            yield Cluster(balancer, real, clock, seen, urls)
            await until(lambda: balancer.stats().in_flight == 0)
        finally:
            await balancer.aclose()


async def speaks_no_tls(peer: Peer) -> None:
    await peer.reader.read(1)
    await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def nobody() -> str:
    return f"http://127.0.0.1:{held_port()}/v1"


async def test_requests_one_after_the_other_go_in_turn(variant: str) -> None:
    async with cluster(variant, *map(Server, "abc")) as all_of:
        assert [await all_of.fetch() for _ in range(7)] == list("abcabca")
        assert all_of.ups() == [True] * 3


async def test_the_least_busy_address_is_asked(variant: str) -> None:
    a, b = Server("a"), Server("b")
    a.held = asyncio.Event()
    async with cluster(variant, a, b) as both:
        held = asyncio.create_task(both.fetch())
        await until(lambda: a.served == 1)
        assert [await both.fetch() for _ in range(3)] == ["b"] * 3
        looks = both.balancer.health()
        assert [look.in_flight for look in looks] == [1, 0]
        a.held.set()
        assert await held == "a"


async def test_the_call_says_where_it_was_sent(variant: str) -> None:
    async with cluster(variant, nobody(), Server("b")) as both:
        request = POST.copy()
        assert await both.fetch(request) == "b"
        assert (request.address, request.resends) == (both.urls[1], 1)


@pytest.mark.parametrize("kind", ["refused", "dns", "tls", "void"])
async def test_no_connection_leads_on_and_ejects(variant: str, kind: str) -> None:
    timeouts = replace(GENEROUS, connect=1.0) if kind == "void" else GENEROUS
    with full_backlog() as void:
        async with scripted(speaks_no_tls) as plain:
            dead = {
                "refused": nobody(),
                "dns": f"http://{NO_SUCH_HOST}/v1",
                "tls": plain.base_url.replace("http:", "https:"),
                "void": f"http://127.0.0.1:{void}/v1",
            }[kind]
            reason = {"void": Reason.CONNECT_TIMEOUT}.get(kind) or Reason(kind)
            async with cluster(variant, dead, Server("b"), timeouts=timeouts) as both:
                assert [await both.fetch() for _ in range(3)] == ["b"] * 3
                assert both.ups() == [False, True]
                look = both.balancer.health()[0]
                assert (look.reason, look.failures, look.retry_in) == (reason, 1, FIRST_PAUSE)
                assert both.changes == [(dead, reason)]


async def test_a_body_that_is_streamed_is_sent_where_there_is_a_connection(variant: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"{}"

    async with cluster(variant, nobody(), Server("b")) as both:
        assert await both.fetch(call(body())) == "b"


async def test_a_server_that_loads_its_model_leads_on(variant: str) -> None:
    a = Server("a")
    a.reply = LOADING
    async with cluster(variant, a, Server("b")) as both:
        assert [await both.fetch() for _ in range(3)] == ["b"] * 3
        assert a.served == 1
        assert both.balancer.health()[0].reason is Reason.LOADING
        a.reply = None
        both.clock.now += FIRST_PAUSE
        assert await both.fetch() == "a"
        assert both.ups() == [True, True]
        assert [reason for _, reason in both.changes] == [Reason.LOADING, None]


async def test_where_all_are_loading_the_client_is_told_so(variant: str) -> None:
    a, b = Server("a"), Server("b")
    a.reply = b.reply = LOADING
    async with cluster(variant, a, b) as both:
        reply = await both.begin()
        assert reply.status == 503
        assert (b"retry-after", b"7") in reply.headers
        assert await read(reply) == LLAMA_CPP
        assert (a.served, b.served) == (1, 1)


async def test_loading_says_more_than_a_refused_connection(variant: str) -> None:
    a = Server("a")
    a.reply = LOADING
    async with cluster(variant, a, nobody()) as both:
        reply = await both.begin()
        assert (reply.status, await read(reply)) == (503, LLAMA_CPP)


async def test_what_was_uploaded_to_a_loading_server_is_not_sent_again(variant: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"{}"

    a, b = Server("a"), Server("b")
    a.reply = LOADING
    async with cluster(variant, a, b) as both:
        reply = await both.begin(call(body()))
        assert (reply.status, await read(reply)) == (503, LLAMA_CPP)
        assert b.served == 0
        assert both.ups() == [False, True]


@pytest.mark.parametrize("status", ["200 OK", "429 Too Many Requests", "500 Loading"])
async def test_only_a_503_says_that_a_model_is_being_loaded(variant: str, status: str) -> None:
    a, b = Server("a"), Server("b")
    a.reply = with_length(LLAMA_CPP, status)
    async with cluster(variant, a, b) as both:
        assert await both.fetch() == LLAMA_CPP.decode()
        assert b.served == 0


@pytest.mark.parametrize("kind", ["closes", "error", "cut"])
async def test_a_request_that_was_delivered_is_not_sent_again(variant: str, kind: str) -> None:
    a, b = Server("a"), Server("b")
    a.closes = kind == "closes"
    a.reply = {
        "error": with_length(b"oops", "503 Service Unavailable"),
        "cut": b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour",
    }.get(kind)
    async with cluster(variant, a, b) as both:
        if kind == "error":
            assert await both.fetch() == "oops"
        else:
            a.closes = True
            with pytest.raises(UpstreamError):
                await both.fetch()
        assert (a.served, b.served) == (1, 0)
        assert both.ups() == [True, True]


async def test_errors_in_a_row_eject_though_each_is_an_answer(variant: str) -> None:
    a, b = Server("a"), Server("b")
    a.reply = with_length(b"dead", "500 Internal Server Error")
    async with cluster(variant, a, b) as both:
        answers = [await both.fetch() for _ in range(2 * FAILURES_IN_A_ROW)]
        assert answers.count("dead") == FAILURES_IN_A_ROW
        assert [await both.fetch() for _ in range(3)] == ["b"] * 3


async def test_one_request_at_a_time_tries_an_ejected_address(variant: str) -> None:
    a, b = Server("a"), Server("b")
    a.reply = LOADING
    async with cluster(variant, a, b) as both:
        assert await both.fetch() == "b"
        a.reply, a.held = None, asyncio.Event()
        both.clock.now += FIRST_PAUSE
        trying = asyncio.create_task(both.fetch())
        await until(lambda: a.served == 2)
        assert [await both.fetch() for _ in range(4)] == ["b"] * 4
        a.held.set()
        assert await trying == "a"
        a.held = None
        assert {await both.fetch() for _ in range(2)} == {"a", "b"}


async def test_a_caller_who_leaves_during_the_try_leaves_it_to_the_next(variant: str) -> None:
    a, b = Server("a"), Server("b")
    a.reply = LOADING
    async with cluster(variant, a, b) as both:
        assert await both.fetch() == "b"
        a.reply, a.held = None, asyncio.Event()
        both.clock.now += FIRST_PAUSE
        trying = asyncio.create_task(both.fetch())
        await until(lambda: a.served == 2)
        trying.cancel()
        await asyncio.wait([trying])
        a.held = None
        assert await both.fetch() == "a"


async def test_a_try_in_vain_costs_its_request_nothing_and_doubles_the_pause(variant: str) -> None:
    async with cluster(variant, nobody(), Server("b")) as both:
        assert await both.fetch() == "b"
        both.clock.now += FIRST_PAUSE
        assert await both.fetch() == "b"
        assert both.balancer.health()[0].retry_in == 2 * FIRST_PAUSE
        assert both.balancer.health()[0].failures == 2


async def test_an_upload_tries_no_ejected_address_while_another_is_up(variant: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"{}"

    a, b = Server("a"), Server("b")
    a.reply = LOADING
    async with cluster(variant, a, b) as both:
        assert await both.fetch() == "b"
        both.clock.now += FIRST_PAUSE
        assert await both.fetch(call(body())) == "b"
        assert a.served == 1


async def test_where_all_are_ejected_each_is_tried_the_longest_ejected_first(variant: str) -> None:
    urls = [nobody(), nobody(), nobody()]
    async with cluster(variant, *urls) as dead:
        for position in range(3):
            dead.clock.now += 0.001
            request = POST.copy()
            with pytest.raises(UpstreamUnavailable, match=r"cannot be|could not be") as caught:
                await dead.fetch(request)
            assert caught.value.reason is Reason.REFUSED
            assert request.resends == 2, position
        assert dead.ups() == [False] * 3


async def test_an_address_that_is_back_serves_though_all_are_ejected(variant: str) -> None:
    a = Server("a")
    a.reply = LOADING
    async with cluster(variant, nobody(), a) as both:
        reply = await both.begin()
        assert reply.status == 503
        a.reply = None
        # No pause is over yet.
        assert await both.fetch() == "a"
        assert both.ups() == [False, True]


async def test_a_fault_of_the_request_is_nobody_elses(variant: str) -> None:
    async with cluster(variant, *map(Server, "ab")) as both:
        with pytest.raises(InvalidRequest):
            await both.fetch(call(path="/a/../b"))
        assert both.balancer.stats().in_flight == 0
        assert both.ups() == [True, True]


async def test_max_connections_is_for_each_address_and_the_queue_for_all(variant: str) -> None:
    a, b = Server("a"), Server("b")
    a.held, b.held = asyncio.Event(), asyncio.Event()
    async with cluster(variant, a, b, max_connections=2) as both:
        asked = [asyncio.create_task(both.fetch()) for _ in range(6)]
        await until(lambda: a.served + b.served == 4)
        assert (a.served, b.served) == (2, 2)
        stats = both.balancer.stats()
        assert (stats.in_flight, stats.queued) == (4, 2)
        b.held.set()
        # Any that is free serves all that wait.
        await until(lambda: b.served == 4)
        a.held.set()
        answers = await asyncio.gather(*asked)
        assert sorted(answers) == list("aabbbb")


async def test_those_left_do_not_get_more_than_their_part(variant: str) -> None:
    a, b = Server("a"), Server("b")
    a.held, b.held = asyncio.Event(), asyncio.Event()
    async with cluster(variant, a, b, max_connections=2) as both:
        running = [asyncio.create_task(both.fetch()) for _ in range(2)]
        await until(lambda: (a.served, b.served) == (1, 1))
        a.reply = LOADING
        more = [asyncio.create_task(both.fetch()) for _ in range(4)]
        await until(lambda: (a.served, b.served) == (2, 2))
        a.held.set()
        await until(lambda: both.ups() == [False, True])
        for _ in range(50):
            await asyncio.sleep(0)
        assert b.served == 2
        assert both.balancer.stats().in_flight == 2
        b.held.set()
        assert sorted(await asyncio.gather(*running, *more)) == ["b"] * 6


async def test_who_leads_on_waits_before_all_others(variant: str) -> None:
    a, b = Server("a"), Server("b")
    a.held, b.held = asyncio.Event(), asyncio.Event()
    a.reply = LOADING
    order: list[int] = []
    async with cluster(variant, a, b, max_connections=1) as both:

        async def ask(number: int) -> None:
            assert await both.fetch() == "b"
            order.append(number)

        asked = []
        for number in range(4):
            asked.append(asyncio.create_task(ask(number)))
            await until(lambda: a.served + b.served + both.balancer.stats().queued == len(asked))
        a.held.set()
        await until(lambda: both.balancer.stats().queued == 3)
        b.held.set()
        await asyncio.gather(*asked)
        assert order[0] == 1
        assert order[-1] == 3


async def test_a_queue_that_is_full_refuses_and_says_so(variant: str) -> None:
    a, b = Server("a"), Server("b")
    a.held, b.held = asyncio.Event(), asyncio.Event()
    timeouts = replace(GENEROUS, queue=0.05)
    async with cluster(variant, a, b, max_connections=1, timeouts=timeouts) as both:
        asked = [asyncio.create_task(both.fetch()) for _ in range(2)]
        await until(lambda: a.served + b.served == 2)
        with pytest.raises(UpstreamUnavailable, match="is busy: 2 requests") as caught:
            await both.fetch()
        assert caught.value.reason is Reason.BUSY
        assert both.ups() == [True, True]
        a.held.set()
        b.held.set()
        await asyncio.gather(*asked)


async def test_look_ups_have_slots_of_their_own_and_learn_for_all(variant: str) -> None:
    dead = nobody()
    async with cluster(variant, dead, Server("b")) as both:
        look_ups = both.balancer.for_look_ups()
        reply = await look_ups.send(GET.copy())
        assert await read(reply) == b"b"
        assert both.ups() == [False, True]
        assert both.balancer.stats().in_flight == 0
        await look_ups.aclose()


async def test_idle_connections_are_counted_where_they_are_known(variant: str) -> None:
    async with cluster(variant, *map(Server, "ab")) as both:
        await both.fetch()
        await both.fetch()
        await until(lambda: both.balancer.stats().in_flight == 0)
        known = variant.startswith("pool")
        assert both.balancer.stats() == UpstreamStats(0, 2 if known else None, 0)
        assert [look.idle for look in both.balancer.health()] == [1 if known else None] * 2


async def test_nothing_is_sent_after_the_end(variant: str) -> None:
    async with cluster(variant, *map(Server, "ab")) as both:
        await both.balancer.aclose()
        with pytest.raises(UpstreamUnavailable) as caught:
            await both.fetch()
        assert caught.value.reason is Reason.STOPPING


async def test_every_address_is_asked_at_once_whether_it_answers(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, c, d = map(Server, "abcd")
    b.reply, c.closes, d.held = LOADING, True, asyncio.Event()
    dead = nobody()
    async with cluster(variant, a, b, c, d, dead) as all_of:
        with monkeypatch.context() as patch:
            clock = LoopClock(patch)
            asking = asyncio.create_task(all_of.balancer.failing(GET.copy(), 5.0))
            while not d.served or all_of.balancer.stats().in_flight > 1:  # noqa: ASYNC110 - no time passes
                await asyncio.sleep(0)
            await wait_turns(20)  # those that have answered are done
            clock.advance(5.0)
            failing = await asking
        assert failing == {
            all_of.urls[1]: Reason.LOADING,
            all_of.urls[2]: Reason.CLOSED,
            all_of.urls[3]: Reason.FIRST_BYTE_TIMEOUT,
            dead: Reason.REFUSED,
        }
        assert all_of.ups() == [True, False, True, True, False]
        assert all_of.balancer.stats().in_flight == 0
