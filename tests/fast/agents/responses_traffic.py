"""Responses requests as agents send them, and odd ones."""

from typing import Any

from gateway.shapes import Json
from tests.fast.agents.chat_traffic import SCHEMA
from tests.fast.both_paths import ABSENT, each
from tests.translate.sealing import OpenSeal

STRICT: Json = {
    "type": "object",
    "properties": {"path": {"type": "string"}},
    "required": ["path"],
    "additionalProperties": False,
}
TEXT: Json = {"type": "input_text", "text": 'Look "here"\n— now.'}
IMAGE: Json = {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "high"}
SAID: Json = {"type": "output_text", "text": "Hm.", "annotations": [], "logprobs": []}
CALL: Json = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "read",
    "arguments": '{"path": "a\\tb"}',
    "status": "completed",
}
OUTPUT: Json = {"type": "function_call_output", "call_id": "call_1", "output": "text\n"}
DECLARED: Json = {
    "type": "additional_tools",
    "role": "developer",
    "tools": [
        {"type": "function", "name": "more", "parameters": SCHEMA},
        {"type": "namespace", "name": "mcp", "tools": [{"type": "function", "name": "read"}]},
    ],
}
SHELL: Json = {
    "type": "local_shell_call",
    "call_id": "call_1",
    "status": "completed",
    "action": {"type": "exec", "command": ["ls", "é"], "env": {}, "timeout_ms": 5, "user": None},
}
THOUGHT: Json = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}
THOUGHTFUL: Json = {**THOUGHT, "content": [{"type": "reasoning_text", "text": 'Hm, "so".'}]}


def sealed(message: Json, **more: Any) -> Json:
    """Return reasoning with fields that the server wants back."""
    turn = {"kind": "turn", "upstream": "", "message": message, "calls": {}, **more}
    return {**THOUGHT, "encrypted_content": OpenSeal().close(turn)}


FULL: Json = {
    "model": "asked",
    "instructions": 'Be "brief".',
    "input": [
        {"type": "message", "role": "developer", "content": [TEXT]},
        {"role": "user", "content": "Read it, é and 😀."},
        THOUGHT,
        {
            "type": "message",
            "role": "assistant",
            "content": [SAID],
            "id": "msg_1",
            "status": "done",
        },
        CALL,
        {**CALL, "call_id": "call_2"},
        {**OUTPUT, "call_id": "call_2"},
        OUTPUT,
        {"type": "custom_tool_call", "call_id": "call_3", "name": "patch", "input": '*** "x"'},
        {"type": "custom_tool_call_output", "call_id": "call_3", "output": "ok"},
        {"type": "message", "role": "user", "content": [TEXT, IMAGE]},
    ],
    "tools": [
        {"type": "function", "name": "read", "description": "Reads.", "parameters": SCHEMA},
        {"type": "function", "name": "find", "parameters": STRICT, "strict": False},
        {"type": "function", "name": "now", "parameters": None, "strict": True},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "reasoning": {"effort": "high", "summary": "auto"},
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "k",
    "text": {"verbosity": "low"},
    "max_output_tokens": 300,
    "stream": False,
}
LEVELS = [
    "",
    *(f"input.{k}." for k in range(10)),
    "input.0.content.0.",
    "input.3.content.0.",
    "input.10.content.0.",
    "input.10.content.1.",
    "tools.0.",
]
"""Every place of the request where there may be further fields."""

_TEXTS: list[Any] = [
    *(None, "", 3, {}, [], [TEXT], [TEXT, TEXT], [IMAGE], ["x"], [{**TEXT, "text": None}]),
    *([{**TEXT, "text": 3}], [{"type": "input_text"}], [{**TEXT, "annotations": []}], [SAID]),
    *([{**SAID, "annotations": [{"type": "url_citation"}]}], [{**SAID, "text": ""}], [SAID, SAID]),
    *([{"type": "text", "text": "a"}], [{"type": "refusal", "refusal": "No."}], [SAID, TEXT]),
    *([{"type": "input_file", "file_id": "f"}], [{**TEXT, "prompt_cache_breakpoint": {}}]),
    *([{"type": "reasoning_text", "text": "a"}], [{**IMAGE, "detail": "original"}]),
    *([{**IMAGE, "detail": None}], [{**IMAGE, "image_url": 3}], [{**IMAGE, "file_id": "f"}]),
]
ODD: list[tuple[str, Any]] = [
    *each("model", ABSENT, None, 3),
    *each("instructions", ABSENT, None, "", 3, ["x"]),
    *each("input", ABSENT, None, [], {}, "", "Hi.", 3, [3], [None], [[]], [{}]),
    *each("input.0", {"role": "system", "content": "a"}, {"type": "additional_tools", "tools": []}),
    *each("input.0", {"type": "item_reference", "id": "i"}, {"id": "i"}, {"type": "compaction"}),
    *each("input.0", {"type": "web_search_call", "id": "ws_1", "status": "completed"}),
    *each("input.0", {"role": "assistant", "content": "Hm."}, CALL, OUTPUT, THOUGHT, THOUGHTFUL),
    *each("input.0.type", ABSENT, None, "", "own", 3),
    *each("input.0.role", ABSENT, None, "system", "user", "assistant", "tool", 3),
    *each("input.0.content", ABSENT, *_TEXTS),
    *each("input.0.phase", None, "", "final_answer", 3),
    *each("input.1.content", ABSENT, *_TEXTS),
    *each("input.1.role", "system", "developer", "assistant"),
    *each("input.2", {"type": "reasoning"}, {**THOUGHT, "summary": None}, THOUGHTFUL),
    *each("input.2", {**THOUGHTFUL, "encrypted_content": None}, {**THOUGHT, "content": []}),
    *each("input.2.summary", "x", [3], [{"type": "summary_text", "text": "So."}], [TEXT]),
    *each("input.2.summary", [{"type": "summary_text", "text": "So."}] * 2, [{"text": "So."}]),
    *each("input.2.content", "x", [{"type": "reasoning_text", "text": ""}], [SAID]),
    *each("input.2.encrypted_content", None, "", 3, "theirs:{}"),
    *each("input.2", sealed({"reasoning_content": "Hm."}), sealed({"reasoning_details": [{}]})),
    *each("input.2", sealed({"thinking": "Hm."}), sealed({"message.thinking": "Hm."}), sealed({})),
    *each("input.2", sealed({"reasoning_content": "Hm."}, goes_on=True)),
    *each("input.2", sealed({"reasoning": "Hm."}, calls={"call_1": {"extra_content": {"a": 1}}})),
    *each("input.2", sealed({"reasoning": "Hm."}, upstream="another")),
    *each("input.2", sealed({"reasoning": "Hm."}, kind="compaction")),
    *each("input.3", THOUGHTFUL, sealed({"reasoning_content": "More."}), TEXT),
    *each("input.3", {"role": "assistant", "content": ""}, {"role": "assistant", "content": "x"}),
    *each("input.3.content", ABSENT, *_TEXTS),
    *each("input.3.phase", "commentary"),
    *each("input.4", {"role": "assistant", "content": ""}, {"role": "assistant", "content": "x"}),
    *each("input.4", THOUGHT, THOUGHTFUL, sealed({"reasoning_content": "More."})),
    *each("input.4.call_id", ABSENT, None, "", 3, "call_2", "x" * 64, "x" * 65),
    *each("input.4.name", ABSENT, None, "", 3, "own"),
    *each("input.4.namespace", None, "", "mcp", "mcp é", 3),
    *each("input.4.arguments", ABSENT, None, "", " \n", "{", 3, [], {"a": 1}),
    *each("input.4.status", None, "incomplete", 3),
    *each("input.5", {"role": "assistant", "content": "x"}, {"role": "assistant", "content": ""}),
    *each("input.5", THOUGHT, THOUGHTFUL, sealed({"reasoning_content": "More."})),
    *each("input.6.call_id", ABSENT, None, "", "call_1", "own", 3),
    *each("input.6.output", ABSENT, *_TEXTS),
    *each("input.6.name", None, "read"),
    *each("input.6", {"role": "user", "content": "Wait."}, THOUGHTFUL),
    *each("input.7", {"role": "user", "content": "Wait."}, CALL),
    *each("input.8.input", ABSENT, None, "", 3),
    *each("input.8.native_arguments", None, "{}"),
    *each("input.8.call_id", None, "call_1"),
    *each("input.8.name", None),
    *each("input.8", {"type": "local_shell_call", "call_id": "c", "action": {"command": []}}),
    *each("input.4", SHELL, {**SHELL, "id": "lsh_1"}, {**SHELL, "action": None}),
    *each("input.4", {**SHELL, "call_id": None}, {**SHELL, "action": {"command": 3}}),
    *each("input.4", {**SHELL, "name": "x"}, {**SHELL, "action": {"command": ["ls"], "own": 1}}),
    *each("input.4.action", None, {}),
    *each("input.1", DECLARED, {**DECLARED, "tools": [{"type": "local_shell"}, {"type": "own"}]}),
    *each("input.1", {**DECLARED, "tools": None}, {**DECLARED, "tools": []}, {**DECLARED, "x": 1}),
    *each("input.1", {**DECLARED, "role": "user"}, {**DECLARED, "tools": [{"type": "function"}]}),
    *each("input.9.output", None, [TEXT], [IMAGE]),
    *each("input.10.role", "assistant", "system"),
    *each("input.10.content", *_TEXTS),
    *each("tools", ABSENT, None, [], {}, "x", [3], [None], [{"type": "web_search"}]),
    *each("tools", [{"type": "local_shell"}], [{"type": "namespace", "name": "n", "tools": []}]),
    *each("tools.0.type", ABSENT, None, "custom", "own", "local_shell", 3),
    *each("tools.0.name", ABSENT, None, "", 3, "now"),
    *each("tools.0.description", ABSENT, None, "", 3),
    *each("tools.0.parameters", ABSENT, None, {}, [], 3, "x", True, STRICT),
    *each("tools.0.strict", None, True, False, 3, "x"),
    *each("tools.0.defer_loading", None, True),
    *each("tools.0.cache_control", {"type": "ephemeral"}),
    *each("tools.0", {"type": "custom", "name": "patch", "format": {"type": "text"}}),
    *each("tools.1.strict", ABSENT, None),
    *each("tools.1.parameters.additionalProperties", True, ABSENT),
    *each("tool_choice", ABSENT, None, "none", "required", "any", {}, 3, {"type": "web_search"}),
    *each("tool_choice", {"type": "function", "name": "read"}),
    *each(
        "tool_choice",
        {
            "type": "allowed_tools",
            "mode": "auto",
            "tools": [{"type": "function", "name": "read"}],
        },
    ),
    *each("parallel_tool_calls", ABSENT, None, True, 0, "x"),
    *each("temperature", None, 2.5, True, 1, "1"),
    *each("top_p", None, 0.5, 2),
    *each("max_output_tokens", ABSENT, None, 0, 15, 16.0, "9"),
    *each("seed", None, 7, 1.5),
    *each("presence_penalty", None, 0, 0.5),
    *each("frequency_penalty", None, 0, 0.5),
    *each("stop", None, "up", ["up"], ""),
    *each("store", ABSENT, None, True, 3),
    *each("stream", None, True, 3),
    *each("stream_options", None, {"include_obfuscation": True}),
    *each("metadata", None, {}, {"a": "b"}, {"a": 3}),
    *each("user", None, "u", 3),
    *each("service_tier", None, "flex", "ultrafast"),
    *each("prompt_cache_key", None, 3),
    *each("prompt_cache_options", None, {"mode": "implicit", "ttl": "1h"}),
    *each("prompt_cache_retention", None, "24h"),
    *each("safety_identifier", None, "s", "s" * 65),
    *each("reasoning", ABSENT, None, {}, {"effort": "none"}, {"effort": 3}, {"mode": "pro"}),
    *each("text", None, {}, {"format": {"type": "json_object"}}, {"format": {"type": "own"}}),
    *each("text", {"format": {"type": "json_schema", "name": "x", "schema": STRICT}}),
    *each("include", ABSENT, None, [], ["message.output_text.logprobs"], ["own"], [3]),
    *each("top_logprobs", None, 2),
    *each("truncation", None, "auto", "disabled"),
    *each("max_tool_calls", None, 3),
    *each("background", None, False, True),
    *each("client_metadata", None, {"a": "b"}),
    *[("previous_response_id", "r"), ("conversation", "c"), ("prompt", {"id": "p"})],
    *[("context_management", [{"type": "compaction"}]), ("moderation", {}), ("own", 3)],
    *[("top_k", 5), ("messages", []), ("logit_bias", {"7": 5})],
]
