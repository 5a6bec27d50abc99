"""One request of a client over a connection of its own, and what it says in the client's shape."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gateway.shapes import Json, Shape
from tests.messages_grammar import read_message
from tests.waiting import PATIENCE

QUESTIONS: dict[Shape, Json] = {
    Shape.COMPLETIONS: {"prompt": "Hello", "max_tokens": 16},
    Shape.CHAT: {"messages": [{"role": "user", "content": "Hello"}]},
    Shape.RESPONSES: {"input": "Hello", "store": False},
    Shape.MESSAGES: {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 16},
}


@dataclass(frozen=True)
class Reply:
    """A whole reply."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def error(self) -> Json:
        """The envelope's inside, all four keys of it; what Anthropic's has no keys for is read."""
        error: Json = self.json["error"]
        if self.json.get("type") == "error":
            is_models = (error["type"], error["message"][:7]) == ("not_found_error", "model: ")
            code, param = ("model_not_found", "model") if is_models else (None, None)
            return {**error, "code": code, "param": param}
        assert set(error) == {"message", "type", "param", "code"}
        return error


@dataclass(frozen=True)
class Said:
    """What a model has said: the text, and how it ended, in the words of the client's shape."""

    text: str
    finish: str


RIGHT = {
    Shape.COMPLETIONS: Said("Hi", "stop"),
    Shape.CHAT: Said("Hi", "stop"),
    Shape.RESPONSES: Said("Hi", "completed"),
    Shape.MESSAGES: Said("Hi", "end_turn"),
}


def question(shape: Shape, model: str, *, streamed: bool = False, **more: object) -> bytes:
    body = {"model": model, **QUESTIONS[shape], **more}
    return msgspec.json.encode({**body, "stream": True} if streamed else body)


async def fetch(
    base_url: str, method: str, path: str, body: bytes = b"", *, key: str = "sk-test"
) -> Reply:
    """Send a request to a path below the base URL, and return the whole reply."""
    where = urlsplit(base_url)
    head = (
        f"{method} {where.path}{path} HTTP/1.1\r\nhost: {where.netloc}\r\n"
        f"authorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        try:
            writer.write(head.encode() + body)
            return await _reply(reader)
        finally:
            writer.close()
            await writer.wait_closed()


async def _reply(reader: asyncio.StreamReader) -> Reply:
    start, *lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode().split("\r\n")
    fields = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in fields}
    body = b""
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readuntil(b"\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
    else:
        body = await reader.readexactly(int(headers["content-length"]))
    return Reply(int(start.split()[1]), headers, body)


def said(shape: Shape, reply: Reply, *, streamed: bool) -> Said:
    """Read a reply of status 200 in the client's shape."""
    assert reply.status == 200, reply.body
    if streamed:
        assert reply.headers["content-type"].startswith("text/event-stream")
        return _streamed(shape, reply.body)
    if shape is Shape.RESPONSES:
        texts = [part["text"] for item in reply.json["output"] for part in item.get("content", [])]
        return Said("".join(texts), reply.json["status"])
    if shape is Shape.MESSAGES:
        (block,) = reply.json["content"]
        return Said(block["text"], reply.json["stop_reason"])
    (choice,) = reply.json["choices"]
    text = choice["text"] if shape is Shape.COMPLETIONS else choice["message"]["content"]
    return Said(text, choice["finish_reason"])


def _streamed(shape: Shape, body: bytes) -> Said:
    data = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")]
    events = [msgspec.json.decode(each) for each in data if each != b"[DONE]"]
    if shape is Shape.RESPONSES:
        deltas = [e["delta"] for e in events if e["type"] == "response.output_text.delta"]
        return Said("".join(deltas), events[-1]["response"]["status"])
    if shape is Shape.MESSAGES:
        message = read_message(events)
        return Said(message["content"][0]["text"], message["stop_reason"])
    assert data[-1] == b"[DONE]"
    choices = [choice for event in events for choice in event["choices"]]
    if shape is Shape.COMPLETIONS:
        text = "".join(choice["text"] for choice in choices)
    else:
        text = "".join(choice["delta"].get("content") or "" for choice in choices)
    finishes = [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]
    return Said(text, finishes[-1])
