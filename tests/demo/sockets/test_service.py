"""Handshakes at the emulator: paths, keys, models, and servers without WebSockets."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import Message
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response
from websockets.typing import Subprotocol

from gateway.demo import emulator
from gateway.demo.emulator import Served
from tests.demo.sockets.client import CHAT_ONLY, KEY, REALTIME, opened
from tests.rows import module_fixture
from tests.waiting import PATIENCE


@module_fixture
def served() -> Iterator[Served]:
    with emulator.serve() as running:
        yield running


def refusal(served: Served, path: str, **options: Any) -> Response:
    with pytest.raises(InvalidStatus) as refused, opened(served, path, **options):
        pass
    return refused.value.response


def error_in(reply: Response) -> Any:
    assert reply.body is not None
    return json.loads(reply.body)["error"]


@pytest.mark.parametrize("path", ["/responses", f"/realtime?model={REALTIME}"])
@pytest.mark.parametrize(("key", "code"), [(None, None), ("wrong", "invalid_api_key")])
def test_a_bad_key_is_refused_at_the_upgrade(
    served: Served, path: str, key: str | None, code: str | None
) -> None:
    reply = refusal(served, path, key=key)
    assert (reply.status_code, error_in(reply)["code"]) == (401, code)
    record = list(served.journal)[-1]
    assert record.status == 401
    assert record.finished.wait(PATIENCE)


@pytest.mark.parametrize("path", ["/chat/completions", "/responses/compact", "/nonsense"])
def test_other_paths_have_no_sockets(served: Served, path: str) -> None:
    reply = refusal(served, path)
    assert reply.status_code == 404
    assert error_in(reply)["message"] == f"Invalid URL (GET /v1{path})"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, None),
        ("?model=nope", 404, "model_not_found"),
        (f"?model={CHAT_ONLY}", 400, "invalid_model"),
        ("?call_id=rtc_1", 404, None),
    ],
)
def test_a_realtime_session_needs_a_model_of_its_kind(
    served: Served, query: str, status: int, code: str | None
) -> None:
    reply = refusal(served, f"/realtime{query}")
    assert (reply.status_code, error_in(reply)["code"]) == (status, code)


@pytest.mark.parametrize("path", ["/responses", f"/realtime?model={REALTIME}"])
@pytest.mark.parametrize("status", [404, 426])
def test_a_server_without_sockets_refuses_all(path: str, status: int) -> None:
    with emulator.serve(emulator.build(sockets=status)) as served:
        assert refusal(served, path).status_code == status


def test_the_subprotocol_is_realtime_and_a_browsers_key_is_among_those_offered(
    served: Served,
) -> None:
    offered = [Subprotocol(each) for each in ("realtime", f"openai-insecure-api-key.{KEY}")]
    path = f"/realtime?model={REALTIME}"
    with opened(served, path, key=None, subprotocols=offered) as client:
        assert client.connection.subprotocol == "realtime"
        assert client.next()["type"] == "session.created"
    with opened(served, path) as client:
        assert client.connection.subprotocol is None
    wrong = [Subprotocol("realtime"), Subprotocol("openai-insecure-api-key.wrong")]
    assert refusal(served, path, key=None, subprotocols=wrong).status_code == 401


def test_a_server_that_cannot_refuse_in_words_refuses_anyway() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/v1/responses", "query_string": b"", "headers": []}
    asyncio.run(emulator.build()(scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
