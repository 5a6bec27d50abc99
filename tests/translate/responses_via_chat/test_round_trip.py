"""From responses to chat and back: nothing of a conversation may get lost."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.shapes import Json, Shape
from gateway.translate import chat_via_responses, responses_via_chat
from gateway.translate.limits.server_capabilities import preset
from tests import kinds
from tests.translate.responses_via_chat.chat_backend import (
    completion,
    context,
    replied,
    tool_call,
)

TEXTS = st.text(min_size=1, max_size=8)
GIVEN = TEXTS.filter(lambda text: not text.isspace())
"""What calls are given: blank arguments are none, and become `{}`."""
ARGUMENTS = st.dictionaries(TEXTS, st.integers(), max_size=2).map(json.dumps) | st.text(
    'ab":,\u00e9', min_size=1
).filter(lambda text: text.count('"') < 4)
"""Two strings in a row would be the arguments of two calls."""
TOOLS: list[Json] = [
    {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False},
    {"type": "custom", "name": "patch", "description": "Patches.", "format": {"type": "text"}},
]


def _said(role: str, text: str) -> Json:
    return {"type": "message", "role": role, "content": text}


def _called(call_id: str, *, custom: bool, text: str) -> Json:
    if custom:
        call = {"type": "custom_tool_call", "name": "patch", "input": text}
    else:
        call = {"type": "function_call", "name": "f", "arguments": text}
    return {**call, "call_id": call_id}


def _gave(call: Json, output: str) -> Json:
    return {"type": f"{call['type']}_output", "call_id": call["call_id"], "output": output}


@st.composite
def conversations(draw: st.DrawFn) -> list[Json]:
    """Draw a conversation as responses have it: parallel calls, each followed by all outputs."""
    items = [_said("user", draw(TEXTS))]
    for turn in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["user", "developer", "assistant", "calls"]))
        if kind != "calls":
            if items[-1].get("role") != "assistant" or kind != "assistant":
                items.append(_said(kind, draw(TEXTS)))
            continue
        calls = [
            _called(f"call_{turn}_{position}", custom=draw(st.booleans()), text=draw(GIVEN))
            for position in range(draw(st.integers(1, 3)))
        ]
        items += calls + [_gave(call, draw(TEXTS)) for call in calls]
    return items


def _without_parts(item: Json) -> Json:
    """Return an item with the text of its only part instead of the part."""
    for name in ("content", "output"):
        value: Any = item.get(name)
        if isinstance(value, list) and len(value) == 1:
            item = {**item, name: value[0]["text"]}
    return item


@given(conversations())
def test_a_request_keeps_roles_texts_calls_and_their_correlation(items: list[Json]) -> None:
    there = responses_via_chat.translate({"model": "m", "input": items, "tools": TOOLS}, context())
    back = chat_via_responses.translate(
        dict(there.calls[0]), context(preset(kinds.OPENAI, Shape.RESPONSES))
    )
    assert [_without_parts(item) for item in back.calls[0]["input"]] == items
    assert back.calls[0]["tools"] == TOOLS


@given(
    st.text(max_size=8),
    st.lists(st.tuples(st.sampled_from(["f", "g"]), ARGUMENTS), max_size=3),
    st.sampled_from(["stop", "length", "content_filter"]),
)
def test_a_reply_keeps_text_calls_and_finish(
    text: str, calls: list[tuple[str, str]], finish: str
) -> None:
    chat_calls = [
        tool_call(name, arguments, f"call_{position}")
        for position, (name, arguments) in enumerate(calls)
    ]
    reply = completion(text, finish, **({"tool_calls": chat_calls} if calls else {}))
    request = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
    translation = chat_via_responses.translate(request, context())
    back = translation.reply([replied(reply)])
    choice = back["choices"][0]
    expected = "tool_calls" if calls and finish == "stop" else finish
    assert choice["finish_reason"] == expected
    assert (choice["message"]["content"] or "") == text
    assert choice["message"].get("tool_calls", []) == chat_calls
    assert back["usage"]["total_tokens"] == reply["usage"]["total_tokens"]
