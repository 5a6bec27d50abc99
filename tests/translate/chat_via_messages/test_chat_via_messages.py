"""Properties of the pair, whatever is said."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.shapes import Json, Shape
from gateway.translate import messages_via_chat
from gateway.translate.contract import Context
from gateway.translate.plan import plan
from tests.messages_grammar import Automaton
from tests.translate.chat_via_messages.cases import TOOLS, WITH_USAGE, call_of, streamed, whole
from tests.translate.chat_via_responses.cases import folded
from tests.translate.messages_upstreams import (
    context,
    events_of,
    message,
    text,
    thinking,
    tool_use,
)

WORDS = st.text(min_size=1, max_size=12)
SAID = st.text(alphabet="ab \nä", min_size=1, max_size=9).filter(str.strip)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
INPUTS = st.dictionaries(WORDS, JSON, max_size=3)
BLOCKS = st.one_of(
    WORDS.map(text),
    WORDS.map(thinking),
    st.builds(tool_use, st.sampled_from(("f", "g")), INPUTS, st.uuids().map(str)),
)
REASONS = st.sampled_from(("end_turn", "tool_use", "max_tokens", "refusal"))


@given(st.lists(BLOCKS, max_size=5), REASONS, st.integers(1, 7))
def test_streams_are_folded_to_the_whole_reply(blocks: list[Json], reason: str, size: int) -> None:
    made = message(*blocks, reason=reason)
    events = events_of(made, size)
    automaton = Automaton()
    for event in events:
        automaton.read(event)
    body: Json = {"tools": TOOLS}
    (choice,) = whole(body, made)["choices"]
    choice.pop("native_finish_reason", None)
    assert folded(streamed({**body, **WITH_USAGE}, events)) == choice


TURN = st.one_of(
    st.tuples(st.just("user"), SAID),
    st.tuples(st.just("assistant"), SAID),
    st.tuples(st.just("calls"), st.lists(st.tuples(INPUTS, SAID), min_size=1, max_size=3)),
)


def as_chat(turns: list[tuple[str, Any]]) -> list[Json]:
    messages: list[Json] = []
    for place, (role, said) in enumerate(turns):
        if role != "calls":
            messages.append({"role": role, "content": said})
            continue
        ids = [f"call_{place}|{k}" for k in range(len(said))]
        made = [
            {
                "id": call_id,
                "type": "function",
                "function": {"name": "f", "arguments": json.dumps(arguments)},
            }
            for call_id, (arguments, _) in zip(ids, said, strict=True)
        ]
        messages.append({"role": "assistant", "tool_calls": made})
        messages += [
            {"role": "tool", "tool_call_id": call_id, "content": result}
            for call_id, (_, result) in zip(ids, said, strict=True)
        ]
    return messages


def read_back(messages: list[Json]) -> list[Any]:
    """Return what was said in a messages conversation, in order."""
    said: list[Any] = []
    for each in messages:
        content = each["content"]
        blocks = [text(content)] if isinstance(content, str) else content
        kinds = [block["type"] for block in blocks]
        assert kinds == sorted(kinds, key=lambda kind: kind != "tool_result")
        for block in blocks:
            if block["type"] == "text":
                said.append((each["role"], block["text"]))
            elif block["type"] == "tool_use":
                said.append(("call", block["id"], block["input"]))
            else:
                said.append(("result", block["tool_use_id"], block["content"]))
    return said


@given(st.lists(TURN, min_size=1, max_size=6))
def test_roles_texts_calls_and_results_are_kept(turns: list[tuple[str, Any]]) -> None:
    call = call_of({"messages": as_chat(turns), "tools": TOOLS})
    said = read_back(call["messages"])
    expected: list[Any] = []
    for role, content in turns:
        if role == "calls":
            expected += [arguments for arguments, _ in content]
            expected += [result for _, result in content]
        else:
            expected.append((role, content))
    assert [each if len(each) == 2 else each[2] for each in said] == expected
    used = [each[1] for each in said if each[0] == "call"]
    answered = [each[1] for each in said if each[0] == "result"]
    assert used == answered
    assert len(set(used)) == len(used)


def said_in(messages: list[Json]) -> list[Any]:
    """Return what was said in a chat conversation, in order; ids by where they first stand."""
    said: list[Any] = []
    ids: dict[str, int] = {}
    for each in messages:
        content = each.get("content")
        texts = [part["text"] for part in content] if isinstance(content, list) else [content]
        if each["role"] == "tool":
            said.append(("result", ids[each["tool_call_id"]], texts[0]))
            continue
        said += [(each["role"], words) for words in texts if words]
        for call in each.get("tool_calls", ()):
            ids[call["id"]] = len(ids)
            arguments = json.loads(call["function"]["arguments"])
            said.append(("call", ids[call["id"]], call["function"]["name"], arguments))
    return said


@given(st.lists(TURN, min_size=1, max_size=6))
def test_a_conversation_comes_back_through_a_messages_client(turns: list[tuple[str, Any]]) -> None:
    # A messages conversation that ends with the assistant's message asks to continue it.
    first, last = ({"role": role, "content": role} for role in ("system", "user"))
    chat = [first, last, *as_chat(turns), last]
    call = call_of({"messages": chat, "tools": TOOLS})
    (back,) = messages_via_chat.translate(call, Context("m", "m")).calls
    assert said_in(back["messages"]) == said_in(chat)
    assert [tool["function"]["name"] for tool in back["tools"]] == ["f", "g"]


def test_completions_clients_are_served_by_way_of_chat() -> None:
    body: Json = {"model": "asked", "prompt": ["a", "b"], "n": 2, "stream": True, "echo": True}
    translation = plan(Shape.COMPLETIONS, Shape.MESSAGES, body, context())
    assert len(translation.calls) == 4
    assert translation.calls[2]["messages"] == [{"role": "user", "content": "b"}]
    assert translation.calls[2]["max_tokens"] == 16
    assert translation.client_param(2, "messages[0].content") == "prompt[1]"
    stream = translation.stream()
    chunks: list[Json] = []
    for number in range(4):
        for event in events_of(message(thinking("hm"), text(f"text {number}"))):
            chunks += stream.feed(number, event)
        chunks += stream.end(number)
    texts = ["", "", "", ""]
    for chunk in chunks:
        for choice in chunk["choices"]:
            texts[choice["index"]] += choice["text"]
    assert texts == ["atext 0", "atext 1", "btext 2", "btext 3"]
    reply = translation.reply([message(text("x"))] * 4)
    assert [choice["text"] for choice in reply["choices"]] == ["ax", "ax", "bx", "bx"]
    assert reply["usage"]["prompt_tokens"] == 18
