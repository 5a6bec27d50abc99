"""How many requests of a client run at the same time."""

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from gateway.api.concurrency import ClientSlots, Running, slots_of
from gateway.config.settings import ClientSettings
from gateway.errors import UpstreamUnavailable
from gateway.shapes import UpstreamCall
from tests.api.client import Client, Reply
from tests.api.test_application import BODY, CHAT
from tests.exchange.scene import chat_completion
from tests.fakes import Answer, json_reply

DIGEST = hashlib.sha256(b"gw-1").hexdigest()
TWO = ClientSettings("two", (DIGEST,), max_concurrency=2)
KEY = [(b"authorization", b"Bearer gw-1")]


def test_slots_are_taken_up_to_the_limit_and_given_back() -> None:
    running = Running()
    slots = ClientSlots("team", 2, running)
    assert [slots.take(), slots.take()] == [None, None]
    error = slots.take()
    assert error is not None
    assert (error.status, error.code, error.type) == (429, "rate_limit_exceeded", "requests")
    assert error.headers == (("retry-after", "1"),)
    assert "'team' has 2 requests in progress" in error.message
    assert running.count == 2
    slots.give_back()
    assert slots.take() is None


def test_one_request_is_said_to_be_one() -> None:
    slots = ClientSlots("lone", 1, Running())
    assert slots.take() is None
    error = slots.take()
    assert error is not None
    assert "'lone' has 1 request in progress" in error.message


def test_only_clients_with_a_limit_have_slots() -> None:
    running: dict[str, Running] = {}
    found = slots_of((TWO, ClientSettings("any", ("0" * 64,))), running)
    assert list(found) == list(running) == ["two"]


def test_what_runs_counts_towards_another_limit() -> None:
    running: dict[str, Running] = {}
    before = slots_of((TWO,), running)["two"]
    assert [before.take(), before.take()] == [None, None]
    after = slots_of((replace(TWO, max_concurrency=3),), running)["two"]
    assert after.take() is None
    assert after.take() is not None
    for slots in (before, after):
        slots.give_back()
    assert running["two"].count == 1


def test_what_exceeds_the_limit_is_refused_and_counted_for_its_client() -> None:
    """Failures, refusals and bad bodies give their slots back, too."""

    async def scenario() -> list[Reply]:
        client = Client(lambda _: json_reply(chat_completion()), clients=(TWO,))
        held, release = asyncio.Event(), asyncio.Event()
        network = client.scene.network

        async def send(call: UpstreamCall) -> Answer:
            network.calls.append(call)
            if len(network.calls) == 2:
                held.set()
            await release.wait()
            if len(network.calls) == 5:
                raise UpstreamUnavailable("busy")
            return json_reply(chat_completion())

        client.scene.exchange.runner.send = send  # type: ignore[assignment]

        async def post(body: Any = BODY) -> Reply:
            return await client.request("POST", CHAT, body, headers=KEY)

        running = [asyncio.create_task(post()) for _ in range(2)]
        await held.wait()
        refused = await post()
        release.set()
        first = [await task for task in running]
        later = [await post(b"{"), await post(), await post(), await post(), await post()]
        assert [reply.status for reply in first] == [200, 200]
        assert client.observer.seen[0].outcome == "client_limited"
        assert client.observer.seen[0].decision.client == "two"
        return [refused, *later]

    refused, *later = asyncio.run(scenario())
    assert (refused.status, refused.headers["retry-after"]) == (429, "1")
    assert refused.error["code"] == "rate_limit_exceeded"
    assert [reply.status for reply in later] == [400, 200, 200, 502, 200]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_checks_are_not_counted(path: str) -> None:
    client = Client(lambda _: json_reply(chat_completion()), clients=(TWO,))
    assert client.get(path).status == 200
