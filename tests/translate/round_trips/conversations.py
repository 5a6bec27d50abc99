"""Conversations in every shape that has any, and what is said in them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from gateway.shapes import Json, Shape


@dataclass(frozen=True)
class Call:
    """A call of a tool, and its result."""

    id: str
    name: str
    arguments: Json
    result: str


@dataclass(frozen=True)
class Said:
    """Texts of one side, one after the other."""

    role: str
    texts: Sequence[str]


Turn = Said | Sequence[Call]
"""What one side says, or calls side by side with their results."""
TOOLS = ("f", "g")
_TEXTS = st.sampled_from(["a", "b é😀", "c\n", " d", "e" * 3000, 'f"\\', "g\u2028", "\u00a0h"])
_ARGUMENTS: st.SearchStrategy[Json] = st.sampled_from(
    [{}, {"a": "b"}, {"é": [1, None, {"b": True}]}, {"z": "x" * 3000, "n": 5}, {"a": {}, "b": []}]
)
_IDS: Sequence[Callable[[int, int], str]] = (
    lambda turn, call: f"call_{turn}_{call}",
    lambda turn, call: f"call_{call}",  # each turn counts anew, as some servers do
    lambda turn, call: f"{turn}{call}",
    lambda turn, call: f"call_{turn}_{call}" + "x" * 90,
    lambda turn, call: f"é n.c:{turn}/|{call}",
)


@st.composite
def conversations(draw: st.DrawFn) -> list[Turn]:
    """Draw a conversation that a user begins and ends."""
    id_of = draw(st.sampled_from(_IDS))
    turns: list[Turn] = [_said(draw, "user")]
    for turn in range(draw(st.integers(1, 4))):
        turns += [_said(draw, "assistant")] if draw(st.booleans()) else []
        calls = range(draw(st.integers(0, 3)))
        if calls:
            turns.append([_call(draw, id_of(turn, call)) for call in calls])
        turns += [_said(draw, "user")] if draw(st.booleans()) else []
    return [*turns, _said(draw, "user")]


def _said(draw: st.DrawFn, role: str) -> Said:
    return Said(role, draw(st.lists(_TEXTS, min_size=1, max_size=3)))


def _call(draw: st.DrawFn, call_id: str) -> Call:
    return Call(call_id, draw(st.sampled_from(TOOLS)), draw(_ARGUMENTS), draw(_TEXTS))


def what_is_said(turns: Sequence[Turn]) -> list[Any]:
    """Return all that is said, in order; a result has the number of its call."""
    said: list[Any] = []
    calls = 0
    for turn in turns:
        if isinstance(turn, Said):
            said += ((turn.role, text) for text in turn.texts)
            continue
        said += (("call", each.name, each.arguments) for each in turn)
        said += (("result", calls + n, each.result) for n, each in enumerate(turn))
        calls += len(turn)
    return said


def as_chat(turns: Sequence[Turn]) -> Json:
    """Return a conversation as a chat client sends it."""
    messages: list[Json] = []
    for turn in turns:
        if isinstance(turn, Said):
            content = [{"type": "text", "text": text} for text in turn.texts]
            messages.append({"role": turn.role, "content": content})
            continue
        calls = [
            {"id": each.id, "type": "function", "function": {"name": each.name, **_written(each)}}
            for each in turn
        ]
        messages.append({"role": "assistant", "content": None, "tool_calls": calls})
        messages += (
            {"role": "tool", "tool_call_id": each.id, "content": each.result} for each in turn
        )
    tools = [{"type": "function", "function": {"name": name}} for name in TOOLS]
    return {"messages": messages, "tools": tools}


def as_responses(turns: Sequence[Turn]) -> Json:
    """Return a conversation as a responses client sends it."""
    items: list[Json] = []
    for turn in turns:
        if isinstance(turn, Said):
            kind = "output_text" if turn.role == "assistant" else "input_text"
            content = [{"type": kind, "text": text} for text in turn.texts]
            items.append({"role": turn.role, "content": content})
            continue
        items += (
            {"type": "function_call", "call_id": each.id, "name": each.name, **_written(each)}
            for each in turn
        )
        items += (
            {"type": "function_call_output", "call_id": each.id, "output": each.result}
            for each in turn
        )
    return {"input": items, "tools": [{"type": "function", "name": name} for name in TOOLS]}


def _written(call: Call) -> Json:
    return {"arguments": json.dumps(call.arguments, ensure_ascii=False)}


def as_messages(turns: Sequence[Turn]) -> Json:
    """Return a conversation as a messages client sends it: results begin the user's turn."""
    messages: list[Json] = []

    def add(role: str, blocks: list[Json]) -> None:
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += blocks
        else:
            messages.append({"role": role, "content": blocks})

    for turn in turns:
        if isinstance(turn, Said):
            add(turn.role, [{"type": "text", "text": text} for text in turn.texts])
            continue
        uses = [
            {"type": "tool_use", "id": each.id, "name": each.name, "input": each.arguments}
            for each in turn
        ]
        add("assistant", uses)
        add("user", [_result(each) for each in turn])
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in TOOLS]
    return {"max_tokens": 99, "messages": messages, "tools": tools}


def _result(call: Call) -> Json:
    return {"type": "tool_result", "tool_use_id": call.id, "content": call.result}


WRITTEN: Mapping[Shape, Callable[[Sequence[Turn]], Json]] = {
    Shape.CHAT: as_chat,
    Shape.RESPONSES: as_responses,
    Shape.MESSAGES: as_messages,
}


def what_is_sent(home: Shape, body: Json) -> list[Any]:
    """Return all that a request says, in order, as `what_is_said` does.

    A result belongs to the last call of its id, and that call has no other.
    """
    said: list[Any] = []
    calls = 0
    unanswered: dict[str, int] = {}
    for kind, *what in _READ[home](body):
        if kind == "call":
            call_id, name, arguments = what
            unanswered[call_id], calls = calls, calls + 1
            said.append(("call", name, arguments))
        elif kind == "result":
            said.append(("result", unanswered.pop(what[0]), what[1]))
        else:
            said += ((kind, text) for text in _texts(what[0]))
    assert not unanswered
    return said


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in content or ()]


def _read_chat(body: Json) -> Iterator[tuple[Any, ...]]:
    for message in body["messages"]:
        if message["role"] == "tool":
            yield "result", message["tool_call_id"], "".join(_texts(message["content"]))
            continue
        yield message["role"], message.get("content")
        for call in message.get("tool_calls") or ():
            function = call["function"]
            yield "call", call["id"], function["name"], json.loads(function["arguments"])


def _read_responses(body: Json) -> Iterator[tuple[Any, ...]]:
    for item in body["input"]:
        kind = item.get("type", "message")
        if kind == "message":
            yield item["role"], item["content"]
        elif kind == "function_call":
            yield "call", item["call_id"], item["name"], json.loads(item["arguments"])
        else:
            yield "result", item["call_id"], "".join(_texts(item["output"]))


def _read_messages(body: Json) -> Iterator[tuple[Any, ...]]:
    for message in body["messages"]:
        content: Any = message["content"]
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            if block["type"] == "text":
                yield message["role"], block["text"]
            elif block["type"] == "tool_use":
                yield "call", block["id"], block["name"], block["input"]
            else:
                yield "result", block["tool_use_id"], "".join(_texts(block["content"]))


_READ: Mapping[Shape, Callable[[Json], Iterator[tuple[Any, ...]]]] = {
    Shape.CHAT: _read_chat,
    Shape.RESPONSES: _read_responses,
    Shape.MESSAGES: _read_messages,
}
