"""How long a request waits for the look-ups of its model: `timeouts.metadata`, all together.

Where that is judged, time passes only when the test says so (`resolution/standing_clock.py`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from gateway.config.settings import CredentialPolicy, Settings, TimeoutSettings, UpstreamSettings
from gateway.config.store_settings import MemorySettings
from gateway.servers import Profile
from tests import kinds
from tests.clients.raw import RawConnection, RawReply, connect
from tests.clients.resolution.asking import Reply, fetch
from tests.clients.resolution.stage import A_MOMENT
from tests.clients.resolution.standing_clock import StandingClock, gateway_by_the_clock
from tests.clients.running import RunningGateway, running_gateway
from tests.upstream.scripted import Peer, Request, Script, scripted, until, with_length

pytestmark = pytest.mark.anyio

METADATA = 1.0
A_LITTLE = 0.01
"""Seconds before and after a deadline."""
Routes = Callable[[Request], Awaitable[bytes]]


def as_json(body: object, status: str = "200 OK") -> bytes:
    return with_length(msgspec.json.encode(body), status, "Content-Type: application/json")


COMPLETION = as_json({"object": "chat.completion", "choices": []})
UNKNOWN = as_json(
    {
        "error": {
            "message": "The model `acme-1` does not exist or you do not have access to it.",
            "type": "invalid_request_error",
            "param": None,
            "code": "model_not_found",
        }
    },
    "404 Not Found",
)


async def never() -> bytes:
    await asyncio.Event().wait()
    raise AssertionError


def serving(routes: Routes) -> Script:
    async def script(peer: Peer) -> None:
        while True:
            await peer.send(await routes(await peer.request()))

    return script


EMPTY = as_json({"object": "list", "data": []})
A_JOB = {"object": "fine_tuning.job", "id": "ftjob-1", "model": "gpt-4o"}
A_PAGE = as_json({"object": "list", "data": [A_JOB], "has_more": True})


class Hung:
    """An upstream with the model or without it, whose look-ups are answered by the test, if so."""

    def __init__(self, posted: bytes = COMPLETION) -> None:
        self.asked: list[str] = []
        self._posted = posted
        self._answered: list[asyncio.Future[bytes]] = []

    async def routes(self, request: Request) -> bytes:
        if request.method == "POST":
            return self._posted
        self._answered.append(asyncio.get_running_loop().create_future())
        self.asked.append(request.target.partition("?")[0])
        return await self._answered[-1]

    def answer(self, number: int, reply: bytes) -> None:
        self._answered[number].set_result(reply)


async def lists_the_model(request: Request) -> bytes:
    if request.method == "POST":
        return as_json({"object": "chat.completion", "choices": [], "served_by": "b"})
    if request.target.endswith("/models"):
        return as_json({"object": "list", "data": [{"id": "acme-1", "object": "model"}]})
    return EMPTY


def settings_for(*base_urls: str, memory: MemorySettings | None = None, **more: Any) -> Settings:
    return Settings(
        tuple(
            UpstreamSettings(
                name,
                base_url,
                timeouts=TimeoutSettings(metadata=METADATA),
                **{"credential": CredentialPolicy.NONE, **more},
            )
            for name, base_url in zip("abcd", base_urls, strict=False)
        ),
        memory=memory or MemorySettings(),
    )


def chat(model: str = "acme-1") -> bytes:
    return msgspec.json.encode({"model": model, "messages": []})


@dataclass
class Stage:
    """A gateway, and the time that passes for it."""

    gateway: RunningGateway
    clock: StandingClock

    async def ask(self, model: str = "acme-1") -> Reply:
        """Ask for a model. No time passes meanwhile: who waits for a deadline gets no reply."""
        return await fetch(self.gateway.base_url, "POST", "/chat/completions", chat(model))

    async def settle(self) -> None:
        """Let what is on its way arrive: both sides get several turns, and no time passes."""
        for _ in range(5):
            await fetch(self.gateway.admin_url, "GET", "/healthz")

    async def reply_after(
        self, seconds: float, *hung: Hung, asking: asyncio.Task[Reply] | None = None
    ) -> Reply:
        """Ask; expect the reply when so much time has passed since all of these were asked."""
        asking = asking or asyncio.create_task(self.ask())
        await until(lambda: all(each.asked for each in hung))
        await self.settle()
        self.clock.advance(seconds - A_LITTLE)
        await self.settle()
        assert not asking.done()
        self.clock.advance(2 * A_LITTLE)
        return await asking


@asynccontextmanager
async def staged(*upstreams: Hung | Routes, **more: Any) -> AsyncIterator[Stage]:
    """Run a gateway before such upstreams, in their order; its clock stands."""
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(
                scripted(serving(each.routes if isinstance(each, Hung) else each))
            )
            for each in upstreams
        ]
        settings = settings_for(*(server.base_url for server in servers), **more)
        with gateway_by_the_clock(settings) as (gateway, clock):
            yield Stage(gateway, clock)


@pytest.mark.parametrize(("posted", "status"), [(COMPLETION, 200), (UNKNOWN, 404)])
async def test_look_ups_that_hang_are_waited_for_no_longer(posted: bytes, status: int) -> None:
    hung = Hung(posted)
    async with staged(hung) as stage:
        assert (await stage.reply_after(METADATA, hung)).status == status


@pytest.mark.parametrize(
    "answers",
    [((0.8, EMPTY),), ((0.4, EMPTY), (0.4, A_PAGE))],
    ids=["the jobs hang after a slow list", "each page is slow"],
)
async def test_all_look_ups_of_a_model_together_wait_for_the_metadata_time(
    answers: tuple[tuple[float, bytes], ...],
) -> None:
    hung = Hung()
    async with staged(hung) as stage:
        asking, passed = asyncio.create_task(stage.ask()), 0.0
        for number, (seconds, answer) in enumerate(answers):
            await until(lambda number=number: len(hung.asked) > number)  # type: ignore[misc]
            await stage.settle()
            stage.clock.advance(seconds * METADATA)
            hung.answer(number, answer)
            passed += seconds * METADATA
        await until(lambda: len(hung.asked) > len(answers))
        reply = await stage.reply_after(METADATA - passed, hung, asking=asking)
    assert reply.status == 200
    assert [path.rpartition("/")[2] for path in hung.asked] == ["models", "jobs", "jobs"][
        : len(answers) + 1
    ]


async def test_look_ups_at_several_upstreams_wait_no_longer() -> None:
    one, other = Hung(), Hung()
    async with staged(one, other) as stage:
        assert (await stage.reply_after(METADATA, one, other)).status == 200


async def test_an_upstream_that_hangs_does_not_hide_what_another_lists() -> None:
    hung = Hung()
    async with staged(hung, lists_the_model) as stage:
        reply = await stage.reply_after(METADATA, hung)
    assert reply.headers["x-gateway-upstream"] == "b"


@pytest.mark.parametrize("kind", [kinds.AUTO, kinds.OPENAI, kinds.VLLM, kinds.OLLAMA])
@pytest.mark.parametrize(("posted", "status"), [(COMPLETION, 200), (UNKNOWN, 404)])
async def test_only_the_first_request_waits_for_look_ups_that_hang(
    posted: bytes, status: int, kind: Profile
) -> None:
    hung = Hung(posted)
    async with staged(hung, kind=kind) as stage:
        assert (await stage.reply_after(METADATA, hung)).status == status
        assert (await stage.ask("acme-1")).status == status
        assert (await stage.ask("acme-2")).status == status


async def test_upstreams_that_hang_before_the_right_one_are_waited_for_once() -> None:
    hung = [Hung(), Hung(), Hung()]
    async with staged(*hung, lists_the_model) as stage:
        asked = [await stage.reply_after(METADATA, *hung), await stage.ask()]
    assert [reply.headers["x-gateway-upstream"] for reply in asked] == ["d", "d"]


async def test_a_known_list_is_good_enough_where_a_new_one_hangs() -> None:
    lists = 0

    async def routes(request: Request) -> bytes:
        nonlocal lists
        lists += request.target.endswith("/models")
        hangs = request.target.endswith("/models") and lists > 1
        return await never() if hangs else await lists_the_model(request)

    memory = MemorySettings(negative_ttl=0.5)
    async with staged(routes, kind=kinds.VLLM, memory=memory) as stage:
        for model in ("acme-1", "adapter"):
            assert (await stage.ask(model)).status == 200
        assert lists == 1
        stage.clock.advance(memory.negative_ttl + A_MOMENT)
        # The name has answered before, so nobody waits for the new list, not even once.
        for _ in range(4):
            assert (await stage.ask("adapter")).status == 200
        await until(lambda: lists > 1)
    assert lists == 2


# --- in real time: nothing is timed --------------------------------------------------------------


async def lists_hang(request: Request) -> bytes:
    return COMPLETION if request.method == "POST" else await never()


def asked(client: RawConnection) -> RawReply:
    client.request("POST", "/v1/chat/completions", chat())
    return client.reply()


async def test_a_list_that_comes_late_is_used() -> None:
    may_answer = asyncio.Event()

    async def late(request: Request) -> bytes:
        if request.target.endswith("/models"):
            await may_answer.wait()
        return await lists_the_model(request)

    loop = asyncio.get_running_loop()

    def run(settings: Settings) -> tuple[str, str]:
        with running_gateway(settings) as gateway, connect(gateway.base_url) as client:
            first = asked(client)
            loop.call_soon_threadsafe(may_answer.set)
            while (reply := asked(client)).headers["x-gateway-upstream"] == "a":
                assert reply.status == 200
            return first.headers["x-gateway-upstream"], reply.headers["x-gateway-upstream"]

    async with scripted(serving(lists_hang)) as one, scripted(serving(late)) as other:
        settings = settings_for(one.base_url, other.base_url)
        assert await asyncio.to_thread(run, settings) == ("a", "b")


@pytest.mark.parametrize(("max_connections", "keys"), [(256, 300), (8, 40)])
async def test_look_ups_that_hang_take_no_place_from_generation(
    max_connections: int, keys: int
) -> None:
    def run(settings: Settings) -> list[int]:
        with running_gateway(settings) as gateway, ExitStack() as stack:
            clients = [stack.enter_context(connect(gateway.base_url)) for _ in range(keys)]
            for number, client in enumerate(clients):
                key = f"Bearer sk-{number}"
                client.request("POST", "/v1/chat/completions", chat(), authorization=key)
            statuses = [client.reply().status for client in clients]
            assert gateway.application.upstreams.stats()["a"].in_flight == 0
            clients[0].request("POST", "/v1/chat/completions", chat(), authorization="Bearer new")
            return [*statuses, clients[0].reply().status]

    async with scripted(serving(lists_hang)) as upstream:
        settings = settings_for(
            upstream.base_url,
            kind=kinds.VLLM,
            credential=CredentialPolicy.CALLER,
            max_connections=max_connections,
        )
        assert await asyncio.to_thread(run, settings) == [200] * (keys + 1)
