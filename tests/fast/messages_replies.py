"""Whole messages of upstreams, common ones and odd ones."""

from typing import Any

from gateway.shapes import Json
from tests.fast.both_paths import ABSENT, each, like

TEXT: Json = {"type": "text", "text": "Hi."}
OTHER: Json = {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}}
CALL: Json = {
    "type": "tool_use",
    "id": "toolu_1",
    "name": "f",
    "input": {"a": "b", "é": [1.5]},
    "caller": {"type": "direct"},
}
THOUGHT: Json = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
REPLY: Json = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [TEXT],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 5,
        "cache_creation_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "cache_read_input_tokens": 4,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 2},
        "service_tier": "standard",
        "inference_geo": "not_available",
    },
}
CALLING: Json = {**REPLY, "content": [TEXT, CALL, OTHER], "stop_reason": "tool_use"}
ERROR: Json = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}

GIVEN: list[Any] = [None, "", "x", '{"a":1}', [], 3]
CONTENTS: list[list[Any]] = [
    *([], [TEXT, TEXT], [CALL], [OTHER], [TEXT, CALL], [CALL, OTHER], [CALL, TEXT], [CALL, CALL]),
    *([{**TEXT, "text": ""}], [{**TEXT, "text": ""}, CALL], [{**TEXT, "text": " "}, TEXT]),
    *([THOUGHT, TEXT], [THOUGHT, CALL], [THOUGHT], [3], [None], [{}], [{"type": "own"}]),
    *([{**TEXT, "citations": cited}] for cited in (None, [], [{"type": "char_location"}], 3)),
    *([{**TEXT, "text": said}] for said in (None, 3, "é😀\u2028")),
    *([{**CALL, "id": call_id}] for call_id in (None, "", 3, "x" * 65, "a:b")),
    *([{**CALL, "name": name}] for name in (None, "", 3)),
    *([{**CALL, "input": given}] for given in GIVEN),
    *([{**CALL, "input": {"a": value}}] for value in (1e22, 1e-7, 2**64, 10**30, -0.0, "\x7f\x01")),
    *([{**CALL, "input": {"a": {"b": [None, True, "/"]}}}], [{**CALL, "own": 1}]),
    *([{**CALL, "caller": caller}] for caller in ({"type": "direct"}, {"type": "own"}, None, 3)),
    *([{**CALL, "toolset_name": name}] for name in (None, "", "x")),
    *([{**CALL, "cache_control": {}}], [{**CALL, "caller": {}}]),
    *([{name: CALL[name] for name in CALL if name != left_out}] for left_out in CALL),
    *([{name: TEXT[name] for name in TEXT if name != left_out}] for left_out in TEXT),
]
ODD_REPLIES: list[tuple[str, Any]] = [
    *(("content", content) for content in CONTENTS),
    *each("id", ABSENT, None, 3, "", "msg_", "chatcmpl-2", "own"),
    *each("type", ABSENT, None, "error", 3),
    *each("role", ABSENT, None, "user", 3),
    *each("model", ABSENT, None, "", 3),
    *each("content", ABSENT, None, {}, "x"),
    *each("content.1.input.a", "x", 3),
    *each("stop_reason", ABSENT, None, "", "max_tokens", "stop_sequence", "tool_use", "end_turn"),
    *each("stop_reason", "pause_turn", "refusal", "model_context_window_exceeded", "own", 3),
    *each("stop_sequence", ABSENT, "up", 3),
    *each("stop_details", None, {}, {"type": "refusal", "category": "cyber"}),
    *each("container", None, {}, {"id": "c"}),
    *each("context_management", None, {"applied_edits": []}),
    *each("error", None, {}, ERROR["error"], "No."),
    *each("usage", ABSENT, None, {}, 3, [], {"prompt_tokens": 3, "completion_tokens": 4}),
    *each("usage.input_tokens", ABSENT, None, -1, 0, 2.0, 2.5, "2", True, 2**53, 2**60),
    *each("usage.output_tokens", ABSENT, None, -1, 0, 300.5, 2**53, 2**60),
    *each("usage.cache_creation_input_tokens", ABSENT, None, 3, -1, "x", 2**53),
    *each("usage.cache_read_input_tokens", ABSENT, None, 0, -1, "x", 2**53),
    *each("usage.cache_creation", ABSENT, None, {}, {"a": 2, "b": 3}, {"a": None}, {"a": "x"}, 3),
    *each("usage.output_tokens_details", ABSENT, None, {}, {"thinking_tokens": None}, 3),
    *each("usage.output_tokens_details.thinking_tokens", 0, -1, "x", 2**60),
    *each("usage.service_tier", ABSENT, None, "", "priority", "batch", "own", 3),
    *each("usage.server_tool_use", None, {}, {"web_search_requests": 1}),
    *each("usage.cost", None, 1.5),
]
faults = like(ODD_REPLIES)
"""Changes of a reply."""
LEVELS = ("", "content.0.", "usage.", "usage.cache_creation.", "usage.output_tokens_details.")
