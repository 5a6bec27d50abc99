"""What the tests of this package share."""

from collections.abc import Sequence
from typing import Any

from gateway.shapes import Json
from gateway.translate.contract import Context, Translation
from gateway.translate.responses_via_messages import translate
from tests.translate.messages_upstreams import context

HELLO: list[Json] = [{"role": "user", "content": "hello"}]
FUNCTION: Json = {"type": "function", "name": "f", "parameters": {"type": "object"}}
CUSTOM: Json = {"type": "custom", "name": "patch"}
SHELL: Json = {"type": "local_shell"}
TOOLS: list[Json] = [FUNCTION, CUSTOM]
SENT: Json = {"name": "f", "input_schema": {"type": "object"}}
ENCRYPTED: Json = {"include": ["reasoning.encrypted_content"], "store": False}


def translated(body: Json, of: Context | None = None) -> Translation:
    return translate({"model": "asked", "input": HELLO, **body}, of or context())


def call_of(body: Json, of: Context | None = None) -> Json:
    """Return the one upstream body of a request."""
    (call,) = translated(body, of).calls
    return call


def conversation_of(*items: Json, of: Context | None = None, **body: Any) -> Json:
    """Return `system` and `messages` as they are sent."""
    call = call_of({"input": list(items), "tools": TOOLS, **body}, of)
    return {name: call[name] for name in ("system", "messages") if name in call}


def called(call_id: str = "a", name: str = "f", arguments: str = '{"a":1}', **more: Any) -> Json:
    call = {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}
    return {**call, **more}


def output(call_id: str = "a", content: Any = "done", **more: Any) -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": content, **more}


def whole(body: Json, reply: Json, of: Context | None = None) -> Json:
    return translated(body, of).reply([reply])


def streamed(body: Json, events: Sequence[Json], of: Context | None = None) -> list[Json]:
    stream = translated({"stream": True, **body}, of).stream()
    sent = [made for event in events for made in stream.feed(0, event)]
    return sent + stream.end(0)
