"""What the tests of this package share."""

from collections.abc import Sequence

from gateway.shapes import Json
from gateway.translate.chat_via_messages import translate
from gateway.translate.contract import Context, Translation
from tests.translate.chat_via_responses.cases import run
from tests.translate.messages_upstreams import HELLO, context

TOOLS: list[Json] = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]
CUSTOM: Json = {"type": "custom", "custom": {"name": "patch"}}
WITH_USAGE: Json = {"stream": True, "stream_options": {"include_usage": True}}


def translated(body: Json, of: Context | None = None) -> Translation:
    return translate({"model": "asked", "messages": HELLO, **body}, of or context())


def call_of(body: Json, of: Context | None = None) -> Json:
    """Return the one upstream body of a request."""
    (call,) = translated(body, of).calls
    return call


def conversation_of(*messages: Json, of: Context | None = None) -> Json:
    """Return `system` and `messages` as they are sent."""
    call = call_of({"messages": list(messages), "tools": TOOLS}, of)
    return {name: call[name] for name in ("system", "messages") if name in call}


def calls(*ids: str, **more: object) -> Json:
    made = [
        {"id": each, "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
        for each in ids
    ]
    return {"role": "assistant", "tool_calls": made, **more}


def answer(call_id: str, content: object = "done", **more: object) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def streamed(body: Json, events: Sequence[Json], of: Context | None = None) -> list[Json]:
    return run(translated({"stream": True, **body}, of).stream(), events)


def whole(body: Json, reply: Json, of: Context | None = None) -> Json:
    return translated(body, of).reply([reply])


def message_of(body: Json, reply: Json, of: Context | None = None) -> Json:
    said: Json = whole(body, reply, of)["choices"][0]["message"]
    return said
