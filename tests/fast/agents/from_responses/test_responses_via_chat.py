"""The requests of agents from responses to chat: both paths show the same."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode, encode

from gateway.config.translation_settings import TranslationSettings
from gateway.shapes import ItemNames, Json, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.plan import plan
from tests.fast.agents.both import about, admitted, assert_same
from tests.fast.agents.responses_traffic import (
    CALL,
    DECLARED,
    FULL,
    IMAGE,
    LEVELS,
    ODD,
    OUTPUT,
    SHELL,
    STRICT,
    TEXT,
    THOUGHTFUL,
    sealed,
)
from tests.fast.both_paths import ABSENT, changed, each, like, with_each_field
from tests.fast.names import names_between
from tests.translate.responses_via_chat.chat_backend import OPENAI, SELF_HOSTED
from tests.translate.sealing import OpenSeal

CHAT, RESPONSES = Shape.CHAT, Shape.RESPONSES
VALUES = [None, True, 0, 7, 1.5, "", "x", "user", [], ["u"], {}, {"a": "b"}]
PARAMS = [
    *("messages[0].content", "messages[3].tool_calls[1].function.name", "messages[4].content"),
    *("tools[1].function.parameters", "reasoning_effort", "max_tokens", "tool_choice"),
]


CALLED: Json = {
    "id": "call_9",
    "type": "function",
    "function": {"name": "read", "arguments": '{"path": "b"}'},
}
USAGE: Json = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
HEAD: Json = {"id": "chatcmpl-1", "created": 1_690_000_000, "model": "up"}


def whole(message: Json, reason: str = "stop") -> Json:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    return {**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}


def chunk(delta: Json, reason: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {**HEAD, "object": "chat.completion.chunk", "choices": [choice]}


REPLIES: list[Json] = [
    whole({"content": "Hi."}),
    whole({"content": None, "tool_calls": [CALLED]}, "tool_calls"),
    whole({"content": "Hi.", "reasoning_content": "Hm.", "tool_calls": [CALLED]}),
    {"error": {"message": "No.", "type": "invalid_request_error", "param": "messages[3].content"}},
]
STREAM: list[Json] = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "Hm."}),
    chunk({"content": "Hi."}),
    chunk({"tool_calls": [{"index": 0, **CALLED}]}),
    *[
        chunk({"tool_calls": [{"index": 1, **piece}]})
        for piece in (
            {"id": "call_10", "function": {"name": "read", "arguments": ""}},
            {"function": {"arguments": '{"path"'}},
            {"function": {"arguments": ': "b"}'}},
        )
    ],
    chunk({}, "tool_calls"),
    {**chunk({}), "choices": [], "usage": USAGE},
]


ANSWER = whole({"content": "Hi.", "tool_calls": [CALLED, {**CALLED, "id": "call_10"}]})
USED_UP: Json = {"prompt_tokens_details": {"cached_tokens": 2}, "cost": 0.5}
ODD_REPLIES: list[tuple[str, Any]] = [
    *each("id", ABSENT, None, 3),
    *each("created", ABSENT, None, 0, 1.5, "1", 2**63),
    *each("model", ABSENT, None, "", 3),
    *each("object", ABSENT, None, "error"),
    *each("service_tier", None, "default", "own", 3),
    *each("moderation", None, {"flagged": False}),
    *each("usage", ABSENT, None, {}, 3, {**USAGE, **USED_UP}, {"prompt_tokens": -1}),
    *each("citations", ["u"], []),
    *each("choices", ABSENT, None, [], {}, [3]),
    *each("choices.0.index", ABSENT, None, 1, "0"),
    *each("choices.0.finish_reason", ABSENT, None, "", "length", "content_filter", "tool_calls"),
    *each("choices.0.finish_reason", "function_call", "own", "STOP", "error", 3),
    *each("choices.0.native_finish_reason", None, "stop", "tool_calls", "MAX_TOKENS"),
    *each("choices.0.logprobs", None, {"content": []}),
    *each("choices.0.message", ABSENT, None, "x", {}),
    *each("choices.0.message.role", ABSENT, None, "user"),
    *each("choices.0.message.content", ABSENT, None, "", " ", "<think>a</think>b", 3, []),
    *each("choices.0.message.content", [{"type": "text", "text": "a"}]),
    *each("choices.0.message.refusal", None, "", "No."),
    *each("choices.0.message.phase", None, "commentary"),
    *each("choices.0.message.reasoning", None, "", "Hm."),
    *each("choices.0.message.reasoning_content", None, "", "Hm."),
    *each("choices.0.message.reasoning_details", None, [], [{"type": "reasoning.text"}]),
    *each("choices.0.message.annotations", None, [], [{"type": "url_citation"}]),
    *each("choices.0.message.function_call", None, {"name": "f", "arguments": "{}"}),
    *each("choices.0.message.audio", None, {"id": "a"}),
    *each("choices.0.message.tool_calls", None, [], {}, [3], [CALLED], [CALLED, CALLED]),
    *each("choices.0.message.tool_calls.0.id", ABSENT, None, "", 3, "x" * 64, "x" * 65),
    *each("choices.0.message.tool_calls.0.type", ABSENT, None, "custom", "own"),
    *each("choices.0.message.tool_calls.0.index", None, 0, 7, "x"),
    *each("choices.0.message.tool_calls.0.extra_content", None, {"google": {"a": 1}}),
    *each("choices.0.message.tool_calls.0.function.name", ABSENT, None, "", "own", "local_shell"),
    *each("choices.0.message.tool_calls.0.function.name", "patch", "mcp__read", "rea", 3),
    *(
        ("choices.0.message.tool_calls.0.function.arguments", arguments)
        for arguments in (ABSENT, None, "", "{}", " {}", "[]", "{", "{}{}", "x", 3, {}, {"a": 1})
    ),
]
TOOLS: list[tuple[str, Any]] = [
    ("tools", FULL["tools"]),
    ("tools", None),
    ("tools", [{"type": "custom", "name": "patch"}, FULL["tools"][0]]),
    ("tools", [{"type": "local_shell"}]),
    ("tools", [{"type": "namespace", "name": "mcp", "tools": [FULL["tools"][0]]}]),
]


def context(able: Capabilities = OPENAI, /, **more: Any) -> Context:
    return Context(
        model_asked="asked",
        model_sent="sent",
        capabilities=able,
        **{"seal": OpenSeal(), "now": 1_700_000_000, **more},
    )


REASONER = replace(OPENAI, reasoning=True, reasoning_field="reasoning_content", strict_params=False)
CONTEXTS: dict[str, Context] = {
    "OpenAI": context(),
    "self-hosted": context(SELF_HOSTED),
    "reasoner": context(REASONER),
    "reasoning required": context(replace(REASONER, reasoning_required=True)),
    "joined turns": context(replace(REASONER, roles_in_a_row=False)),
    "images in outputs": context(replace(OPENAI, tool_image_parts=True)),
    "one system message": context(replace(OPENAI, multi_system=False)),
    "no tools": context(replace(OPENAI, tools=False)),
    "no seal": context(seal=None),
    "keeping": context(seal=OpenSeal(keeps=True)),
    "dropping": context(settings=TranslationSettings(hosted_tools="drop", extra_params="drop")),
    "stored items": context(items=ItemNames(["previous_response_id", *range(20)])),
}
contexts = pytest.mark.parametrize("known", CONTEXTS.values(), ids=CONTEXTS.keys())


def fresh(known: Context) -> Context:
    """Return the context with ids that count up."""
    numbers = count(1)
    return replace(known, new_id=lambda: f"{next(numbers):032x}")


def typed(body: Json) -> Json:
    """Return a body whose messages all say that they are some: they are read in another way."""
    given = body.get("input")
    if not isinstance(given, list):
        return body
    items = [
        {"type": "message", **item} if isinstance(item, dict) and "role" in item else item
        for item in given
    ]
    return {**body, "input": items}


def same(body: Json | bytes, known: Context, *replies: Any) -> bool:
    if isinstance(body, dict) and typed(body) != body:
        assert_same(RESPONSES, CHAT, typed(body), known)
    return assert_same(RESPONSES, CHAT, body, known, replies, [STREAM], PARAMS)


@pytest.mark.alone
@contexts
def test_both_paths_are_the_same_for_every_odd_request(known: Context) -> None:
    for odd in ODD:
        same(changed(FULL, [odd]), known)


@contexts
def test_both_paths_are_the_same_for_every_reply(known: Context) -> None:
    for body in (FULL, {**FULL, "stream": True}):
        same(body, known, *REPLIES)


@pytest.mark.alone
@pytest.mark.parametrize("level", LEVELS)
def test_every_field_that_a_translation_may_read_is_known_or_handed_over(level: str) -> None:
    full = about(FULL, level)
    assert same(full, CONTEXTS["OpenAI"])
    for original in (full, typed(full)):
        for body in with_each_field(original, level, VALUES, names_between(RESPONSES, CHAT)):
            assert_same(RESPONSES, CHAT, body, CONTEXTS["OpenAI"])


@given(
    changes=st.lists(
        like(ODD),
        max_size=3,
    ),
    known=st.sampled_from(sorted(CONTEXTS)),
    faults=st.lists(
        like(ODD_REPLIES),
        max_size=2,
    ),
)
def test_whatever_is_changed_both_paths_are_the_same(
    changes: list[tuple[str, Any]], known: str, faults: list[tuple[str, Any]]
) -> None:
    same(changed(FULL, changes), CONTEXTS[known], changed(ANSWER, faults))


OF_ANSWER = (
    *("", "choices.0.", "choices.0.message.", "usage."),
    *("choices.0.message.tool_calls.0.", "choices.0.message.tool_calls.0.function."),
)


@pytest.mark.alone
@contexts
def test_both_paths_are_the_same_for_every_odd_reply(known: Context) -> None:
    for tools in TOOLS:
        asked = changed({**FULL, "tool_choice": None, "parallel_tool_calls": None}, [tools])
        same(asked, known, *(changed(ANSWER, [odd]) for odd in ODD_REPLIES))


@pytest.mark.alone
@pytest.mark.parametrize("level", OF_ANSWER)
def test_every_field_of_a_reply_is_known_or_handed_over(level: str) -> None:
    asked = {"model": "asked", "input": "Hi."}
    made = admitted(RESPONSES, CHAT, asked, CONTEXTS["OpenAI"])
    assert made is not None
    generic = plan(RESPONSES, CHAT, asked, CONTEXTS["OpenAI"])
    for odd in with_each_field(ANSWER, level, VALUES, names_between(RESPONSES, CHAT)):
        quickly = made.decode_reply(odd)
        if quickly is not None:
            slowly = encode(generic.reply([decode(odd)]))
            assert quickly == slowly or decode(quickly) == decode(slowly)


@pytest.mark.parametrize("known", ["OpenAI", "self-hosted", "reasoner", "no seal"])
@pytest.mark.parametrize("tools", TOOLS[:3])
def test_common_replies_take_the_fast_path(known: str, tools: tuple[str, Any]) -> None:
    asked = changed({**FULL, "tool_choice": None, "parallel_tool_calls": None}, [tools])
    made = admitted(RESPONSES, CHAT, asked, CONTEXTS[known])
    assert made is not None
    for reply in (REPLIES[0], REPLIES[1], ANSWER):
        assert made.decode_reply(encode(reply)) is not None


def test_logprobs_are_folded_by_the_generic_path() -> None:
    asked = {**FULL, "include": ["message.output_text.logprobs"]}
    made = admitted(RESPONSES, CHAT, asked, CONTEXTS["OpenAI"])
    assert made is not None
    assert made.decode_reply(encode(ANSWER)) is None


ITEMS = st.lists(
    st.sampled_from(
        [
            *FULL["input"],
            *({"role": "assistant", "content": text} for text in ("", "a", "b")),
            *(
                DECLARED,
                THOUGHTFUL,
                sealed({"reasoning_content": "Hm."}),
                sealed({"thinking": "So."}),
            ),
            *({"role": "system", "content": "s"}, {**OUTPUT, "output": [TEXT, IMAGE]}),
            {"type": "message", "role": "assistant", "content": [TEXT, TEXT]},
        ]
    ),
    max_size=12,
)


@given(items=ITEMS, known=st.sampled_from(sorted(CONTEXTS)))
def test_whatever_the_order_of_items_both_paths_are_the_same(items: list[Json], known: str) -> None:
    same({**FULL, "input": items}, CONTEXTS[known], REPLIES[1])


COMMON: list[tuple[str, Any]] = [
    ("input", "Hi."),
    *each("input.1", {"role": "user", "content": [TEXT, IMAGE]}),
    *each("input.2", THOUGHTFUL, sealed({"reasoning_content": "Hm."})),
    *each("input.3.phase", "commentary"),
    *each("input.4.namespace", "mcp"),
    *each("input.6.output", [TEXT], [TEXT, TEXT]),
    ("input.4", SHELL),
    ("input.1", DECLARED),
    *each("tools", None, [{"type": "local_shell"}, {"type": "web_search"}]),
    *each("tools.0", {"type": "custom", "name": "patch", "format": {"type": "text"}}),
    *each("tools.0.parameters", STRICT),
    *each("tool_choice", "none", {"type": "function", "name": "read"}),
    *each("text", {"format": {"type": "json_object"}}),
    *each("metadata", {"a": "b"}),
    *each("store", True),
]


@pytest.mark.parametrize("change", COMMON)
@pytest.mark.parametrize("known", ["OpenAI", "reasoner", "reasoning required"])
def test_agents_take_the_fast_path(change: tuple[str, Any], known: str) -> None:
    body = changed({**FULL, "tool_choice": None, "parallel_tool_calls": None}, [change])
    assert same(body, CONTEXTS[known], *REPLIES)


@pytest.mark.parametrize(
    "text",
    [b'"\xff"', b'"\\ud800"', b'"\\ud800\\u0041"', b'"\\x"', b'"\n"', b'"a', b"01", b"[", b""],
)
@pytest.mark.parametrize(
    "written",
    [
        b'{"model":"m","input":[{"role":"user","content":%b}]}',
        b'{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":%b}]}]}',
        b'{"model":"m","input":"a","tools":[{"type":"function","name":"f","description":%b}]}',
    ],
)
def test_what_is_not_valid_is_left_to_the_generic_path(written: bytes, text: bytes) -> None:
    assert admitted(RESPONSES, CHAT, written % text, CONTEXTS["OpenAI"]) is None


def test_long_conversations_are_the_same() -> None:
    turn = [{"role": "user", "content": "Go on."}, CALL, OUTPUT]
    assert same({**FULL, "input": turn * 300}, CONTEXTS["OpenAI"])


def test_a_text_between_a_call_and_its_output_is_the_generic_paths_to_move() -> None:
    said: Json = {"type": "message", "role": "assistant", "content": "Hm."}
    told: Json = {"type": "message", "role": "developer", "content": "Look."}
    call: Json = {"type": "function_call", "call_id": "c", "name": "read", "arguments": "{}"}
    output: Json = {"type": "function_call_output", "call_id": "c", "output": "ok"}
    body: Json = {"model": "m", "input": [call, said, told, output]}
    assert not assert_same(Shape.RESPONSES, Shape.CHAT, body, CONTEXTS["OpenAI"])
