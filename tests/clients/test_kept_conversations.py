"""Conversations that the gateway keeps stay apart, before an upstream that repeats its ids."""

import asyncio
import json
import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.config.settings import CredentialPolicy, ModelRule, Settings, UpstreamSettings
from gateway.config.store_settings import ResponsesSettings
from gateway.shapes import Shape
from gateway.stores import sqlite_file
from tests import kinds
from tests.clients.repeating_upstream import (
    CHAT_MODEL,
    COMPLETIONS_MODEL,
    REFUSED,
    repeating_upstream,
)
from tests.clients.running import running_gateway

OWN_ID = re.compile("resp_[0-9a-f]{32}")
CONVERSATIONS = 40
NOBODY: dict[str, str] = {}
"""The headers of callers who send no key: they are one owner to the gateway."""
ALICE = {"authorization": "Bearer sk-alice"}
BOB = {"authorization": "Bearer sk-bob"}


@pytest.fixture(params=["memory", "sqlite"])
def base_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    store = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/kept.sqlite"
    with keeping_gateway(store) as base_url:
        yield base_url


@contextmanager
def keeping_gateway(store: str) -> Iterator[str]:
    """A gateway that keeps responses, before the upstream that repeats its ids."""
    with repeating_upstream() as upstream:
        settings = Settings(
            (UpstreamSettings("ollama", upstream, kinds.OLLAMA, CredentialPolicy.NONE),),
            models=(
                ModelRule(CHAT_MODEL, endpoints=(Shape.CHAT,)),
                ModelRule(COMPLETIONS_MODEL, endpoints=(Shape.COMPLETIONS,)),
            ),
            responses=ResponsesSettings(store),
        )
        with running_gateway(settings) as gateway:
            yield gateway.base_url


async def ask(client: httpx2.AsyncClient, *, stream: bool, **body: Any) -> dict[str, Any]:
    """Return the response; a streamed one is what its last event holds."""
    reply = await client.post("/responses", json={**body, "stream": stream})
    assert reply.status_code == 200, reply.text
    if not stream:
        whole: dict[str, Any] = reply.json()
        return whole
    lines = [line for line in reply.text.splitlines() if line.startswith("data: {")]
    events = [json.loads(line.removeprefix("data: ")) for line in lines]
    carrying = [event["response"] for event in events if "response" in event]
    assert events[0]["type"] == "response.created"
    assert events[-1]["type"] == "response.completed"
    assert {response["id"] for response in carrying} == {carrying[0]["id"]}
    last: dict[str, Any] = carrying[-1]
    return last


def text_of(response: dict[str, Any]) -> str:
    text: str = response["output"][-1]["content"][0]["text"]
    return text


def caller(base_url: str, headers: dict[str, str]) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=base_url, headers=headers, trust_env=False)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", [CHAT_MODEL, COMPLETIONS_MODEL])
@pytest.mark.parametrize("headers", [(NOBODY, NOBODY), (ALICE, BOB)], ids=["no-key", "two-keys"])
def test_two_users_continue_each_their_own_conversation(
    base_url: str, headers: tuple[dict[str, str], dict[str, str]], model: str, *, stream: bool
) -> None:
    async def scenario() -> None:
        async with caller(base_url, headers[0]) as alice, caller(base_url, headers[1]) as bob:
            hers = await ask(alice, stream=stream, model=model, input="I am Alice.")
            his = await ask(bob, stream=stream, model=model, input="I am Bob.")
            assert hers["id"] != his["id"]
            assert OWN_ID.fullmatch(hers["id"])
            assert (await alice.get(f"/responses/{hers['id']}")).json() == hers
            assert (await bob.get(f"/responses/{his['id']}")).json() == his
            again = await ask(
                alice, stream=stream, model=model, input="Who?", previous_response_id=hers["id"]
            )
            assert "I am Alice." in text_of(again)
            assert "Bob" not in text_of(again)
            listed = (await alice.get(f"/responses/{again['id']}/input_items")).text
            assert "I am Alice." in listed
            assert "Bob" not in listed
            assert (await bob.delete(f"/responses/{his['id']}")).json()["deleted"] is True
            assert (await bob.get(f"/responses/{his['id']}")).status_code == 404
            assert (await alice.get(f"/responses/{hers['id']}")).status_code == 200

    asyncio.run(scenario())


def test_many_conversations_at_once_stay_apart(base_url: str) -> None:
    async def converse(client: httpx2.AsyncClient, number: int) -> set[str]:
        """Return the ids of a conversation of three turns."""
        name, ids = f"caller-{number:03}.", set[str]()
        previous, said = None, [f"I am {name}", "Really?", "Who am I?"]
        for turn in said:
            response = await ask(
                client,
                stream=number % 2 == 0,
                model=(CHAT_MODEL, COMPLETIONS_MODEL)[number % 3 == 0],
                input=turn,
                previous_response_id=previous,
            )
            previous = response["id"]
            ids.add(previous)
            assert set(re.findall(r"caller-\d{3}\.", text_of(response))) == {name}
        return ids

    async def scenario() -> None:
        async with caller(base_url, NOBODY) as client:
            found = await asyncio.gather(*(converse(client, n) for n in range(CONVERSATIONS)))
        assert len(set.union(*found)) == 3 * CONVERSATIONS

    asyncio.run(scenario())


def test_nobody_reaches_anothers_response_by_its_id(base_url: str) -> None:
    async def scenario() -> None:
        async with caller(base_url, ALICE) as alice, caller(base_url, BOB) as bob:
            hers = await ask(alice, stream=False, model=CHAT_MODEL, input="I am Alice.")
            path = f"/responses/{hers['id']}"
            body = {"model": CHAT_MODEL, "input": "?", "previous_response_id": hers["id"]}
            assert (await bob.post("/responses", json=body)).status_code == 400
            assert (await bob.get(path)).status_code == 404
            assert (await bob.delete(path)).status_code == 404
            assert (await alice.get(path)).status_code == 200

    asyncio.run(scenario())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_errors_and_reports_count_the_items_that_the_client_sent(
    base_url: str, *, stream: bool
) -> None:
    user = {"role": "user", "content": "Hello"}
    searched = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    part = {"role": "user", "content": [{"type": "nonsense"}]}

    async def refused(client: httpx2.AsyncClient, previous: str, given: Any) -> Any:
        body = {"model": CHAT_MODEL, "input": given, "previous_response_id": previous}
        reply = await client.post("/responses", json={**body, "stream": stream})
        assert reply.status_code == 400
        return reply.json()["error"]["param"]

    async def scenario() -> None:
        async with caller(base_url, ALICE) as alice:
            first = await ask(alice, stream=stream, model=CHAT_MODEL, input="Hello")
            previous = first["id"]
            body = {"model": CHAT_MODEL, "stream": stream, "previous_response_id": previous}
            reply = await alice.post("/responses", json={**body, "input": [user, searched]})
            assert reply.headers["x-gateway-translation"].endswith("; dropped=input[1]")
            assert await refused(alice, previous, [user, part]) == "input[1].content[0].type"
            assert await refused(alice, previous, REFUSED) == "input"
            said = {"role": "user", "content": REFUSED}
            answer = {"role": "assistant", "content": "Hello"}
            assert await refused(alice, previous, [user, answer, said]) == "input[2].content"
            output = {"type": "item_reference", "id": first["output"][0]["id"]}
            assert await refused(alice, previous, [output, said]) == "input[1].content"

    asyncio.run(scenario())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_locked_file_costs_the_memory_not_the_reply(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    stream: bool,
) -> None:
    monkeypatch.setattr(sqlite_file, "_BUSY_MILLISECONDS", 50)
    file = tmp_path / "kept.sqlite"

    async def scenario(base_url: str) -> None:
        async with caller(base_url, ALICE) as alice:
            with closing(sqlite3.connect(file, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                for _ in range(2):
                    unkept = await ask(alice, stream=stream, model=CHAT_MODEL, input="Hello")
                    assert "Hello" in text_of(unkept)
            assert (await alice.get(f"/responses/{unkept['id']}")).status_code == 404
            kept = await ask(alice, stream=stream, model=CHAT_MODEL, input="Hello")
            assert (await alice.get(f"/responses/{kept['id']}")).status_code == 200

    with keeping_gateway(f"sqlite:///{file}") as base_url:
        asyncio.run(scenario(base_url))
    records = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert ["stored" in record.message for record in records] == [True, True]
    assert not any(record.exc_info for record in records)
