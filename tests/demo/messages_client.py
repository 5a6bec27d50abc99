"""Asks the emulator at `/v1/messages`, without a socket."""

from typing import Any

from gateway.demo import emulator
from tests.demo.client import Reply, ask

APP = emulator.build()
VERSION = "2023-06-01"
ADAPTIVE, BUDGETED, PLAIN = (
    "claude-demo-opus-5",
    "claude-demo-sonnet-4-5",
    "claude-demo-haiku-3-5",
)
USER = {"role": "user", "content": "hi"}
CLOCK: Any = {"name": "clock", "input_schema": {"type": "object"}}


def send(
    path: str = "/v1/messages", *, version: str = VERSION, beta: str = "", **body: Any
) -> Reply:
    """Send a request as it is."""
    headers = {"anthropic-version": version} | ({"anthropic-beta": beta} if beta else {})
    return ask(APP, "POST", path, body, headers=headers)


def say(content: Any, *, model: str = BUDGETED, **more: Any) -> Reply:
    """Send one user's message, or a conversation."""
    is_conversation = isinstance(content, list) and "role" in content[0]
    messages = content if is_conversation else [{"role": "user", "content": content}]
    return send(**{"model": model, "max_tokens": 2000, "messages": messages, **more})


def message(content: Any, **more: Any) -> Any:
    """Return the message that answers."""
    reply = say(content, **more)
    assert reply.status == 200, reply.body
    return reply.json()


def events(content: Any, **more: Any) -> list[Any]:
    """Return the events that answer."""
    return say(content, stream=True, **more).events()


def refusal(reply: Reply) -> tuple[int, str, str]:
    """Return the status, type and text of an error in Anthropic's envelope."""
    body = reply.json()
    assert set(body) == {"type", "error", "request_id"}
    assert body["type"] == "error"
    assert body["request_id"] == reply.headers["request-id"]
    return reply.status, body["error"]["type"], body["error"]["message"]


def refused(content: Any, **more: Any) -> str:
    """Return why a request is an `invalid_request_error`."""
    status, kind, text = refusal(say(content, **more))
    assert (status, kind) == (400, "invalid_request_error")
    return text
