import asyncio
from typing import Any

import pytest

from gateway.demo.call import Call, ClientLeft
from gateway.demo.refusals import Refused
from tests.demo.client import Connection, scope_of


def call_on(connection: Connection, headers: dict[str, str] | None = None) -> Call:
    scope = scope_of("POST", "/v1/x?a=1", headers or {})
    return Call(scope, connection.receive, connection.send, "req_1")


def parsed(*chunks: bytes) -> Any:
    return asyncio.run(call_on(Connection(list(chunks))).json())


def test_a_json_object_is_read_however_it_arrives() -> None:
    assert parsed(b'{"a": [1, "\xc3', b'\xa9"]}') == {"a": [1, "é"]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"a": NaN}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="We could not parse the JSON body"):
        parsed(body)


def test_a_body_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.demo.call.LARGEST_JSON", 8)
    with pytest.raises(Refused) as caught:
        parsed(b'{"a":', b"123456}")
    assert caught.value.status == 413


def test_what_arrived_is_recorded() -> None:
    call = call_on(Connection([b'{"a"', b":1}"]), {"X-One": "1", "x-two": "2"})
    asyncio.run(call.json())
    record = call.record
    assert (record.method, record.path, record.query) == ("POST", "/v1/x", "a=1")
    assert record.headers == {"x-one": "1", "x-two": "2"}
    assert (record.body, record.body_size) == (b'{"a":1}', 7)


def test_a_client_that_leaves_while_it_sends_is_noticed() -> None:
    connection = Connection([b"{"])

    async def read() -> None:
        connection.leave()
        await call_on(connection).json()

    with pytest.raises(ClientLeft):
        asyncio.run(read())


def test_every_reply_has_the_headers_of_openai() -> None:
    connection = Connection([])
    asyncio.run(call_on(connection).reply_json({"é": 1}, 201, (("x-more", "yes"),)))
    assert connection.reply.status == 201
    assert connection.reply.body == '{"é":1}'.encode()
    assert connection.reply.headers == {
        "content-type": "application/json",
        "x-request-id": "req_1",
        "openai-version": "2020-10-01",
        "openai-processing-ms": "1",
        "x-more": "yes",
        "content-length": "8",
    }


def test_work_is_given_up_when_the_client_leaves() -> None:
    given_up: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            given_up.append(True)
            raise

    async def leave_while_working() -> None:
        connection = Connection([])
        call = call_on(connection)
        async for _ in call.chunks():
            pass
        asyncio.get_running_loop().call_soon(connection.leave)
        await call.while_connected(work())

    with pytest.raises(ClientLeft):
        asyncio.run(leave_while_working())
    assert given_up == [True]


def test_what_work_raises_is_raised() -> None:
    async def work() -> None:
        raise KeyError("x")

    async def go() -> None:
        await call_on(Connection([])).while_connected(work())

    with pytest.raises(KeyError):
        asyncio.run(go())
