"""The codec from chat to responses gives what the generic path gives."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from gateway.config.translation_settings import TranslationSettings
from gateway.fast.codec import fast_translation
from gateway.fast.codecs.chat_via_responses import CHAT_VIA_RESPONSES
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from tests.fast import both_paths
from tests.fast.both_paths import (
    ABSENT,
    WILD,
    by_fast_path,
    by_generic_path,
    changed,
    each,
    like,
    some_of,
)
from tests.translate.chat_via_responses.cases import LLAMACPP, OPENAI, USAGE, VLLM, message, text


def make_context(
    capabilities: Capabilities = OPENAI,
    settings: TranslationSettings | None = None,
    effort: str | None = None,
) -> Context:
    return Context(
        model_asked="thinker",
        model_sent="gpt-5-pro",
        settings=settings or TranslationSettings(),
        capabilities=capabilities,
        reasoning_effort=effort,
        new_id=lambda: "f" * 32,
        now=1_700_000_000,
    )


FULL: Json = {
    "model": "thinker",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": ""},
        {"content": "go on", "role": "user"},
    ],
    "temperature": 0.5,
    "top_p": 1,
    "max_tokens": 300,
    "n": 1,
    "store": True,
    "stream": False,
    "user": "somebody",
}
REPLY: Json = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_760_000_000,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "model": "gpt-5-pro-2026",
    "metadata": {},
    "output": [message(text("Hi."))],
    "service_tier": "default",
    "usage": USAGE,
}
ERROR = {"message": "No.", "type": "server_error", "param": "input[1].content", "code": "x"}
PARAMS = ["input[1].content", "max_output_tokens", "store", "temperature", "reasoning.effort"]

REASONING_ITEMS: list[Json] = [
    {},
    {"id": "rs_1", "summary": [], "encrypted_content": "x", "status": "completed"},
    {"summary": None},
    {"summary": "Hm."},
    {"summary": [{"type": "summary_text", "text": "Hm."}]},
    {"summary": [], "content": []},
    {"summary": [], "content": None},
    {"summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]},
    {"content": [{"type": "reasoning_text", "text": ""}]},
]

ODD_PARAMETERS: list[tuple[str, Any]] = [
    *each("model", ABSENT, None, 3),
    *each("messages", ABSENT, None, [], {}, "x", [3], [None]),
    *each("messages.0", None, {}, {"role": "user"}, {"content": "x"}, [1, 2]),
    *each("messages.0.role", "developer", "tool", "function", "own", None, 3, []),
    *each("messages.0.content", None, "", 3, [], [{"type": "text", "text": "a"}]),
    *each("messages.2.content", None, 3, [{"type": "text", "text": "a"}]),
    *each("messages.1.name", None, "Ann", 3),
    *each("messages.2.tool_calls", None, [], [{"function": {"name": "f"}}]),
    ("messages.2.refusal", "No."),
    *each("max_tokens", ABSENT, None, 0, 1, 15, 16, 16.0, True, "9", 2**63),
    *each("max_completion_tokens", None, 0, 1, 16, 300, 300.0, 2**63),
    *each("temperature", None, -0.1, 2.1, 2, -1, 3, True, "1", []),
    *each("top_p", None, -0.1, 1.1, 0, -1, 2, True, "1"),
    *each("n", None, 0, 2, 1.0, True, "1", 129),
    *each("store", None, False, 0, "no"),
    *each("stream", None, True, 0, "no"),
    *each("user", None, 3, ""),
    *each("stop", None, "up", ["up"], ""),
    *each("logprobs", None, False, True),
    *[("seed", 7), ("presence_penalty", 0), ("logit_bias", {}), ("top_k", 5), ("input", [])],
    *[("reasoning_effort", "low"), ("verbosity", "low"), ("metadata", {"a": "b"})],
    *[("stream_options", {"include_usage": True}), ("modalities", ["text"]), ("tools", [])],
    *[("response_format", {"type": "json_object"}), ("moderation", {}), ("prediction", {})],
]
REASONING = replace(
    OPENAI,
    temperature=False,
    top_p=False,
    penalties=False,
    logprobs=False,
    stop=False,
    reasoning=True,
    efforts=frozenset({"high"}),
)
CONTEXTS: dict[str, Context] = {
    "OpenAI": make_context(),
    "vLLM": make_context(VLLM),
    "llama.cpp": make_context(LLAMACPP),
    "upstream's name": make_context(settings=TranslationSettings(echo_model="upstream")),
    "effort": make_context(effort="low"),
    "may stream unasked": make_context(replace(VLLM, may_stream_unasked=True)),
    "sampling without reasoning": make_context(replace(OPENAI, sampling_needs_effort_none=True)),
    "reasoning": make_context(REASONING),
    "no temperature": make_context(replace(OPENAI, temperature=False)),
    "no top_p": make_context(replace(OPENAI, top_p=False)),
    "dropping": make_context(
        replace(VLLM, temperature=False, top_p=False), TranslationSettings(on_unsupported="drop")
    ),
}
COMMON_CONTEXTS = ["OpenAI", "vLLM", "llama.cpp", "upstream's name"]
CALL: Json = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "f",
    "arguments": '{"a": "b"}',
    "status": "completed",
}
COMMENTARY = {**message(text("Hm.")), "phase": "commentary"}
ODD_CALLS: list[list[Json]] = [
    [CALL],
    [CALL, CALL],
    [CALL, {**CALL, "call_id": "call_2", "id": "fc_2", "arguments": "{}"}],
    [COMMENTARY, {"type": "reasoning"}, CALL, {"type": "reasoning"}],
    [CALL, COMMENTARY],
    [message(text("")), CALL],
    [COMMENTARY, COMMENTARY, CALL],
    *(
        [{**CALL, "arguments": arguments}]
        for arguments in ("", " {}", "[]", "null", "{", '{"a": }', "{}{}", '{"a":1}{"b":2}', "x")
    ),
    *([{**CALL, "arguments": arguments}] for arguments in (None, 3, {"a": 1}, '{"a": NaN}')),
    *([{**CALL, "arguments": '{"a": "\\ud800"}'}], [{**CALL, "arguments": '{"é": "😀"}'}]),
    *([{**CALL, "name": name}] for name in (None, "", 3)),
    *([{**CALL, "call_id": call_id}] for call_id in (None, "", 3, "x" * 65)),
    [{**CALL, "namespace": "n"}],
    [{"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "x"}],
]
ODD_REPLIES: list[tuple[str, Any]] = [
    *(("output", calls) for calls in ODD_CALLS),
    *each("id", ABSENT, None, 3, "", "resp_", "chatcmpl-2", "cmpl-3", "own"),
    *each("object", ABSENT, None, "error", "chat.completion"),
    *each("created_at", ABSENT, None, 0, 1.5, "1", True, -1, 2**63, 2**70),
    *each("status", ABSENT, None, "incomplete", "failed", "in_progress", 3),
    *each("error", ABSENT, {}, ERROR, "No.", 3),
    *each("type", None, "error", "response.failed", "message"),
    *each("response", None, {}, {"status": "failed", "error": ERROR}),
    ("incomplete_details", {"reason": "max_output_tokens"}),
    *each("model", ABSENT, None, "", 3),
    *each("metadata", ABSENT, None, {"a": "b"}, "x", ["x"]),
    *each("service_tier", ABSENT, None, "", 3),
    ("moderation", {"flagged": False}),
    *each("output", ABSENT, None, [], {}, "x", {"0": 1}, [3], [None]),
    *[
        ("output", [{"type": "reasoning", **reasoning}, message(text("Hi."))])
        for reasoning in REASONING_ITEMS
    ],
    ("output", [{"type": "reasoning"}, {"type": "reasoning"}, message(text("Hi."))]),
    ("output", [message(text("Hi.")), {"type": "reasoning"}]),
    ("output", [{"type": "reasoning"}]),
    ("output", [{"summary": []}, message(text("Hi."))]),
    ("output", [message(text("Hi.")), message(text("Ho."))]),
    ("output", [{"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"}]),
    *each("output.0.type", ABSENT, None, "reasoning", "own", 3),
    *each("output.0.phase", None, "commentary", "final_answer"),
    *each("output.0.content", ABSENT, None, "Hi.", [], {}, [3], {"0": 1}),
    ("output.0.content", [text("Hi."), text("Ho.")]),
    ("output.0.content", [{"type": "refusal", "refusal": "No."}]),
    *each("output.0.content.0.type", ABSENT, "text", "refusal", 3),
    *each("output.0.content.0.text", ABSENT, None, "", 3),
    *each("output.0.content.0.annotations", ABSENT, None, {}, [{}], [3]),
    (
        "output.0.content.0.annotations",
        [{"type": "url_citation", "start_index": 0, "end_index": 1, "url": "u", "title": "t"}],
    ),
    *each("output.0.content.0.logprobs", ABSENT, None, 3, [{}]),
    *each("usage", ABSENT, None, {}, 3, [], {**USAGE, "cost": 1}),
    *each("usage.input_tokens", ABSENT, None, -1, 2.0, "2", 2**60),
    *each("usage.output_tokens", ABSENT, None, -1, 299, 300, 300.5, 2**60),
    *each("usage.total_tokens", ABSENT, None, -1, 5.5, True, 2**60),
    *each("usage.input_tokens_details", ABSENT, None, {}, 3, {"a": "b", "c": 1.5}),
    *each("usage.output_tokens_details", ABSENT, None, {"reasoning_tokens": None}),
]

bodies = some_of(FULL, {"model", "messages"})
parameters = like(ODD_PARAMETERS)
faults = like(ODD_REPLIES)


def assert_same(body: Json, context: Context, *replies: Any) -> None:
    """Check that both paths show the same of a request and the replies to it."""
    both_paths.assert_same(CHAT_VIA_RESPONSES, body, context, replies, PARAMS)


@given(
    st.builds(changed, bodies, st.lists(parameters, max_size=2)),
    st.sampled_from(sorted(CONTEXTS)),
    st.builds(changed, st.just(REPLY), st.lists(faults, max_size=2)) | WILD,
)
def test_both_paths_are_the_same(body: Json, context: str, received: Any) -> None:
    assert_same(body, CONTEXTS[context], received)


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
def test_both_paths_are_the_same_for_every_odd_parameter(context: Context) -> None:
    for odd in ODD_PARAMETERS:
        assert_same(changed(FULL, [odd]), context, REPLY)
        assert_same(changed({**FULL, "max_tokens": None}, [odd]), context, REPLY)
        assert_same(changed({"model": "m", "messages": FULL["messages"]}, [odd]), context, REPLY)


@pytest.mark.parametrize("context", ["OpenAI", "vLLM", "upstream's name"])
def test_both_paths_are_the_same_for_every_odd_reply(context: str) -> None:
    for odd in ODD_REPLIES:
        assert_same(FULL, CONTEXTS[context], changed(REPLY, [odd]))
    for received in (None, 3, "x", [], [REPLY], [{"error": ERROR}]):
        assert_same(FULL, CONTEXTS[context], received)


@pytest.mark.parametrize("replies", [(), (REPLY, REPLY)])
def test_both_paths_refuse_another_number_of_replies(replies: tuple[Json, ...]) -> None:
    assert_same(FULL, make_context(), *replies)


@pytest.mark.parametrize("context", COMMON_CONTEXTS)
@given(body=bodies)
def test_common_traffic_takes_the_fast_path(context: str, body: Json) -> None:
    known = CONTEXTS[context]
    assert CHAT_VIA_RESPONSES.fits(known)
    made = fast_translation(CHAT_VIA_RESPONSES, encode(body), known)
    assert made is not None
    assert made.decode_reply(encode(REPLY)) is not None
    reasoning = {"id": "rs_1", "type": "reasoning", "summary": []}
    assert made.decode_reply(encode({**REPLY, "output": [reasoning, COMMENTARY, CALL]})) is not None
    assert made.decode_reply(encode({**REPLY, "output": [reasoning, *REPLY["output"]]})) is not None


ECHO: Json = {
    **dict.fromkeys(("instructions", "max_output_tokens", "max_tool_calls", "user"), None),
    **dict.fromkeys(("previous_response_id", "prompt_cache_key", "safety_identifier"), None),
    "background": False,
    "billing": {"payer": "developer"},
    "completed_at": 1_760_000_001,
    "frequency_penalty": 0.0,
    "presence_penalty": 0.0,
    "parallel_tool_calls": True,
    "reasoning": {"effort": "low", "summary": None},
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
}


def test_so_do_responses_that_repeat_the_request() -> None:
    made = fast_translation(CHAT_VIA_RESPONSES, encode(FULL), CONTEXTS["OpenAI"])
    assert made is not None
    assert made.decode_reply(encode({**REPLY, **ECHO})) is not None
    assert_same(FULL, CONTEXTS["OpenAI"], {**REPLY, **ECHO})


def test_what_the_codec_does_not_know_takes_the_generic_path() -> None:
    odd = encode({**FULL, "verbosity": "low"})
    assert fast_translation(CHAT_VIA_RESPONSES, odd, make_context()) is None


def test_a_common_request_can_be_streamed_all_the_same() -> None:
    event = {"type": "response.output_text.delta", "item_id": "m", "delta": "Hi."}
    end = {"type": "response.completed", "response": REPLY}
    paths = (by_fast_path(CHAT_VIA_RESPONSES), by_generic_path(CHAT_VIA_RESPONSES))
    fast, generic = (path(FULL, make_context()).stream() for path in paths)
    for received in (event, end):
        assert fast.feed(0, received) == generic.feed(0, received)
    assert fast.end(0) == generic.end(0)
