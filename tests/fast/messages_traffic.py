"""Common messages requests, and odd ones, for codecs from messages."""

from typing import Any

from hypothesis import strategies as st

from gateway.shapes import Json
from tests.fast.both_paths import ABSENT, changed, each, like, some_of

FULL: Json = {
    "model": "asked",
    "max_tokens": 300,
    "system": "Be brief.",
    "messages": [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": [{"type": "text", "text": "Yes?"}]},
        {"role": "user", "content": [{"type": "text", "text": "Once"}]},
    ],
    "temperature": 0.5,
    "top_p": 1,
    "stream": False,
}
LEAST: Json = {
    "model": "asked",
    "max_tokens": 1,
    "messages": [{"role": "user", "content": "Hi."}],
}
TEXT: Json = {"type": "text", "text": "Go on."}
BILLING = "x-anthropic-billing-header: cc_version=2.1; cch=0"
_CACHED: Json = {**TEXT, "cache_control": {"type": "ephemeral"}}

ODD_PARAMETERS: list[tuple[str, Any]] = [
    *each("model", ABSENT, None, 3),
    *each("max_tokens", ABSENT, None, 0, -1, 16.0, 2.5, True, "9", 2**63 - 1, 2**63),
    *each("temperature", None, -0.1, 1.1, 1, 0, True, "1", []),
    *each("top_p", None, -0.1, 1.1, 0, True, "1"),
    *each("stream", None, True, 0, "no"),
    *each("system", None, "", [], 3, [TEXT], [TEXT, TEXT], [{"type": "text", "text": ""}]),
    *each("system", [_CACHED], ["x"], BILLING, [{"type": "text", "text": BILLING}, TEXT]),
    *each("system", [{"type": "text", "text": f"{BILLING}\nBe brief."}, TEXT]),
    *each("system", [{**TEXT, "citations": None}], [{"type": "image"}], [TEXT, TEXT, TEXT]),
    *each("messages", ABSENT, None, [], "Hi.", ["Hi."]),
    *each("messages.0.role", ABSENT, None, "assistant", "system", "tool", "ctx", 3),
    *each("messages.0.content", ABSENT, None, "", [], 3, [TEXT, TEXT], [_CACHED], ["x"]),
    *each("messages.0.content", [{"type": "text", "text": ""}], [{"type": "text"}], [{}]),
    *each("messages.0.content", [TEXT, {"type": "image", "source": {"type": "url", "url": "u"}}]),
    *each("messages.0.name", "Ann", None),
    *each("messages.1.role", "user", "system"),
    *each("messages.1.content", "", [], [TEXT, TEXT], [TEXT, _CACHED], "x"),
    *each("messages.1.content", [{"type": "thinking", "thinking": "Hm.", "signature": "gw1."}]),
    *each("messages.1.content", [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]),
    *each("messages.2.role", "assistant", "system"),
    *each("messages.2.content.0.text", "", None, 3),
    *each("messages.2.content.0.type", "image", None),
    *each("messages.2.content.0.citations", None, [], [{}]),
    *each("metadata", None, {}, {"user_id": "u"}),
    *each("stop_sequences", None, [], ["up"], [""]),
    *each("thinking", None, {"type": "disabled"}, {"type": "enabled", "budget_tokens": 2048}),
    *each("tools", None, [], [{"name": "f", "input_schema": {"type": "object"}}]),
    *each("tool_choice", None, {"type": "auto"}),
    *each("output_config", {}, {"effort": "low"}),
    *each("service_tier", "auto", "standard_only"),
    *each("top_k", None, 5),
    *each("cache_control", None, {"type": "ephemeral"}),
    *[("n", 1), ("user", "u"), ("seed", 7), ("stream_options", {"include_usage": True})],
]

bodies = some_of(FULL, LEAST)
parameters = like(ODD_PARAMETERS)
requests = st.builds(changed, bodies, st.lists(parameters, max_size=2))
