"""Which replies say that a model is being loaded; how servers word it."""

import asyncio

import pytest

from gateway.replies import BufferedReply
from gateway.upstream.loading import loading_reply
from tests.upstream.conftest import GET, WorldMaker, read
from tests.upstream.scripted import Peer, until, with_length

pytestmark = pytest.mark.anyio

LLAMA_CPP = b'{"error":{"message":"Loading model","type":"unavailable_error","code":503}}'


@pytest.mark.parametrize(
    "body",
    [
        LLAMA_CPP,
        b'{"message":"Loading model","type":"unavailable_error","code":503}',
        b'{"error":"Model meta-llama/Llama-2-70b-chat is currently loading","estimated_time":20.0}',
        b'{"error": "Model is currently loading", "estimated_time": 20.5}',
        b'{"error": {"message": "The model is still loading", "code": 503}}',
        b'{"detail": "Model is loading, try again"}',
    ],
)
async def test_a_503_that_says_so(body: bytes) -> None:
    loading = await loading_reply(BufferedReply(503, ((b"retry-after", b"5"),), body))
    assert loading is not None
    assert (loading.status, loading.headers) == (503, ((b"retry-after", b"5"),))
    assert loading.body == body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>503 Service Temporarily Unavailable</html>",
        b'{"error":{"message":"The model is overloaded. Please try again later."}}',
        b'{"error":{"message":"out of memory while generating","prompt":"Loading model"}}',
        b'{"error":{"message":"Loading models takes long, your request was cut"}}',
        b'{"error":{"message":"no reply"},"echo":"the model is loading"}',
    ],
)
async def test_other_replies_are_answers(body: bytes) -> None:
    assert await loading_reply(BufferedReply(503, (), body)) is None


async def test_the_whole_text_is_awaited_and_its_connection_is_free(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.drip(with_length(LLAMA_CPP, "503 Service Unavailable"))
        await peer.gone()

    async with before(script) as world:
        reply = await world.begin(GET)
        loading = await loading_reply(reply)
        assert loading is not None
        assert loading.body == LLAMA_CPP
        assert world.sender.stats().in_flight == 0


async def test_a_long_503_is_left_unread(before: WorldMaker) -> None:
    body = LLAMA_CPP + b" " * 100_000

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(with_length(body, "503 Service Unavailable"))
        await peer.gone()

    async with before(script) as world:
        reply = await world.begin(GET)
        assert await loading_reply(reply) is None
        assert await read(reply) == body


async def test_a_503_that_stalls_is_an_answer(
    before: WorldMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.upstream.loading._PATIENCE", 0.05)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(with_length(LLAMA_CPP, "503 Service Unavailable")[:-4])
        await peer.gone()

    async with before(script) as world:
        reply = await world.begin(GET)
        assert await loading_reply(reply) is None
        assert reply.status == 503
        await reply.aclose()


async def test_a_caller_who_leaves_meanwhile_frees_the_connection(before: WorldMaker) -> None:
    asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(with_length(LLAMA_CPP, "503 Service Unavailable")[:-4])
        asked.set()
        await peer.gone()

    async with before(script) as world:

        async def ask() -> None:
            await loading_reply(await world.begin(GET))

        asking = asyncio.create_task(ask())
        await asked.wait()
        await until(lambda: world.sender.stats().in_flight == 1)
        for _ in range(20):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        assert world.sender.stats().in_flight == 0
