"""One WebSocket as ASGI has it, without a server."""

import asyncio
from typing import Any

from starlette.types import Message

from gateway.demo.sockets.connection import SocketConnection

SCOPE = {
    "type": "websocket",
    "path": "/v1/responses",
    "query_string": b"model=a&model=b",
    "headers": [(b"Authorization", b"Bearer sk-1")],
}


class Server:
    """An ASGI server whose client sends `arriving`, and leaves after `writes` messages."""

    def __init__(self, *arriving: Message, writes: int = 100) -> None:
        self.sent: list[Message] = []
        self._arriving = [{"type": "websocket.connect"}, *arriving]
        self._writes = writes

    async def receive(self) -> Message:
        if not self._arriving:
            await asyncio.Event().wait()
        return self._arriving.pop(0)

    async def send(self, message: Message) -> None:
        if len(self.sent) == self._writes:
            raise OSError
        self.sent.append(message)

    def connection(self) -> SocketConnection:
        return SocketConnection(SCOPE, self.receive, self.send, "req_1", lambda: 0.0)


async def messages(connection: SocketConnection) -> list[str]:
    await connection.accept()
    return [text async for text in connection.messages()]


def test_messages_are_those_before_the_client_leaves() -> None:
    leaving: Message = {"type": "websocket.disconnect", "code": 1001}
    server = Server({"type": "websocket.receive", "text": "a"}, leaving)
    connection = server.connection()
    assert asyncio.run(messages(connection)) == ["a"]
    assert connection.record.disconnected.is_set()
    assert connection.query == {"model": "b"}


def test_a_client_that_is_gone_while_it_is_written_to_ends_the_messages() -> None:
    server = Server(writes=1)

    async def run() -> list[str]:
        connection = server.connection()
        await connection.accept()
        await connection.send({"a": "ü"})
        await connection.send({"b": 1})
        return [text async for text in connection.messages()]

    assert asyncio.run(run()) == []
    assert [message["type"] for message in server.sent] == ["websocket.accept"]


def test_messages_end_with_the_connection_that_is_cut() -> None:
    server = Server()

    async def run() -> Any:
        connection = server.connection()
        await connection.accept()
        reading = asyncio.ensure_future(anext(connection.messages(), None))
        await asyncio.sleep(0)
        connection.cut()
        await connection.send({"a": 1})
        return await reading

    assert asyncio.run(run()) is None
    assert len(server.sent) == 1
