"""A call of a tool is the same in a stream and in a whole reply, whatever its arguments are.

What a home streams is translated as it comes; folded and then translated as a whole; and translated
as a stream of one whole reply. Clients see the same, and so do reports.
"""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.servers import Profile
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Translation
from gateway.translate.limits.server_capabilities import preset
from gateway.translate.plan import plan
from gateway.translate.stream.folding.replies import events_as_whole
from gateway.translate.stream.messages.message_events import message_of
from gateway.translate.stream.reply_as_event import whole_as_events
from tests import kinds

CHAT, RESPONSES, MESSAGES = Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES
HOMES: dict[Shape, Profile] = {
    CHAT: kinds.VLLM,
    RESPONSES: kinds.VLLM,
    MESSAGES: kinds.ANTHROPIC,
}
ABSENT = object()
GIVEN: dict[Shape, list[Any]] = {
    CHAT: [ABSENT, "", "{}", '{"a":1}', " ", None, {}, {"a": 1}, "x"],
    RESPONSES: [ABSENT, "", "{}", '{"a":1}', " ", None],
    MESSAGES: [ABSENT, {}, {"a": 1}, "", "{}", '{"a":1}', None, "x"],
}
"""The arguments that come with a call's beginning."""
PIECES: list[list[str]] = [
    *([], [""], ["{}"], ["{", "}"], ['{"a"', ":1}"], ['{"a"'], [" "], ["null"], ["[1]"], ['"x"']),
    *(['{"a":1}', '{"b":2}'], ["x y"], ['{"INVALID_JSON":""}']),
]
"""Those that come after it."""
ENDS = {
    CHAT: {"natural": "tool_calls", "limit": "length", "filter": "content_filter"},
    RESPONSES: {"natural": "", "limit": "max_output_tokens", "filter": "content_filter"},
    MESSAGES: {"natural": "tool_use", "limit": "max_tokens", "filter": "refusal"},
}


def with_arguments(field: str, given: Any) -> Json:
    return {} if given is ABSENT else {field: given}


def of_chat(given: Any, pieces: list[str], end: str) -> list[Json]:
    def chunk(delta: Json, finish: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "c", "created": 1, "model": "m", "choices": [choice]}

    function = {"name": "f", **with_arguments("arguments", given)}
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    more = [{"index": 0, "function": {"arguments": piece}} for piece in pieces]
    return [
        chunk({"role": "assistant", "content": "T"}),
        *(chunk({"tool_calls": [each]}) for each in (call, *more)),
        chunk({}, end),
    ]


def of_responses(given: Any, pieces: list[str], reason: str) -> list[Json]:
    status = "incomplete" if reason else "completed"
    ended = {"incomplete_details": {"reason": reason}} if reason else {}
    response = {"id": "r", "object": "response", "created_at": 1, "model": "m"}
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f"}
    begun = {**item, **with_arguments("arguments", given)}
    said = "".join(pieces) or (given if isinstance(given, str) else "")
    done = {**item, "arguments": said, "status": status}
    at = {"output_index": 0}
    delta = "response.function_call_arguments.delta"
    return [
        {"type": "response.created", "response": {**response, "output": []}},
        {"type": "response.output_item.added", **at, "item": begun},
        *({"type": delta, "item_id": "fc_1", **at, "delta": piece} for piece in pieces),
        {"type": "response.output_item.done", **at, "item": done},
        {
            "type": f"response.{status}",
            "response": {**response, "status": status, "output": [done], **ended},
        },
    ]


def of_messages(given: Any, pieces: list[str], reason: str) -> list[Json]:
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": []}
    counts = {"input_tokens": 1, "output_tokens": 1}
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", **with_arguments("input", given)}
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return [
        {"type": "message_start", "message": {**message, "stop_reason": None, "usage": counts}},
        {"type": "content_block_start", "index": 0, "content_block": call},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": counts},
        {"type": "message_stop"},
    ]


STREAMS: dict[Shape, Callable[[Any, list[str], str], list[Json]]] = {
    CHAT: of_chat,
    RESPONSES: of_responses,
    MESSAGES: of_messages,
}


def asking(client: Shape, kind: str) -> Json:
    """Return a request with one tool; `kind`: function, custom, or legacy."""
    hello = [{"role": "user", "content": "hi"}]
    named = {"name": "f"}
    if client is MESSAGES:
        tool: Json = {**named, "input_schema": {"type": "object"}}
        return {"model": "a", "max_tokens": 9, "messages": hello, "tools": [tool]}
    if client is RESPONSES:
        return {"model": "a", "input": hello, "tools": [{"type": kind, **named}]}
    if kind == "legacy":
        return {"model": "a", "messages": hello, "functions": [named]}
    return {"model": "a", "messages": hello, "tools": [{"type": kind, kind: named}]}


def translation(client: Shape, home: Shape, kind: str, *, streamed: bool) -> Translation:
    numbers = count(1)
    context = Context(
        "a", "m", capabilities=preset(HOMES[home], home), new_id=lambda: f"{next(numbers):032x}"
    )
    return plan(client, home, {**asking(client, kind), "stream": streamed}, context)


def of_stream(translation: Translation, client: Shape, events: list[Json]) -> Json:
    stream = translation.stream()
    sent = [out for event in events for out in stream.feed(0, event)] + stream.end(0)
    return message_of(sent) if client is MESSAGES else events_as_whole(client, sent, ["f"])


def seen(client: Shape, reply: Json, dropped: list[str]) -> Any:
    """Return what a client acts on; `dropped` are the blocks that a whole message leaves out."""
    if client is CHAT:
        (choice,) = reply["choices"]
        message = choice["message"]
        calls = [each[each["type"]] for each in message.get("tool_calls") or ()]
        return calls, message.get("function_call"), choice["finish_reason"]
    if client is RESPONSES:
        items = [
            [item.get(name) for name in ("type", "status", "name", "arguments", "input")]
            for item in reply["output"]
        ]
        return items, reply["status"], reply.get("incomplete_details")
    blocks = [
        [block.get(name) for name in ("type", "name", "input", "text", "partial_json")]
        for index, block in enumerate(reply["content"])
        if f"content[{index}]" not in dropped
    ]
    return blocks, reply["stop_reason"]


def outcomes(client: Shape, home: Shape, kind: str, events: list[Json]) -> Iterator[Any]:
    """Yield what a client gets of each delivery, the whole one first."""
    dropped: list[str] = []
    for streamed, pieces in ((False, False), (True, True), (True, False)):
        try:
            made = translation(client, home, kind, streamed=streamed)
            whole = [] if pieces else [events_as_whole(home, events, ["f"])]
            if not streamed:
                reply = made.reply(whole)
                # A call that a limit has cut off has no place in a whole message.
                dropped = made.report.dropped
            else:
                given = [each for reply in whole for each in whole_as_events(home, reply)]
                reply = of_stream(made, client, given or events)
            left_out = dropped if client is MESSAGES and streamed else []
            report = {*made.report.changed, *made.report.emulated}
            yield seen(client, reply, left_out), report
        except GatewayError as error:
            yield type(error), error.message


PAIRS = [
    (client, home, kind)
    for client, tools in (
        (CHAT, ("function", "custom", "legacy")),
        (RESPONSES, ("function", "custom")),
        (MESSAGES, ("function",)),
    )
    for home in HOMES
    for kind in tools
    if home is not client
]


@pytest.mark.parametrize("end", ["natural", "limit", "filter"])
@pytest.mark.parametrize(("client", "home", "kind"), PAIRS)
def test_a_call_is_the_same_in_both_deliveries(
    client: Shape, home: Shape, kind: str, end: str
) -> None:
    for given in GIVEN[home]:
        # Pieces follow what is no more than a placeholder.
        placeholder = given is ABSENT or given in ("", {})
        for pieces in PIECES if placeholder else [[]]:
            events = STREAMS[home](given, pieces, ENDS[home][end])
            whole, *streamed = outcomes(client, home, kind, events)
            assert streamed == [whole, whole], (given, pieces)
