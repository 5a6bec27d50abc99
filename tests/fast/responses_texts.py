"""Common responses requests, and odd ones."""

from typing import Any

from hypothesis import strategies as st

from gateway.shapes import Json
from tests.fast.both_paths import ABSENT, changed, each, like, some_of

TEXT: Json = {"type": "input_text", "text": "a"}
USER: Json = {"role": "user", "content": "a"}
SAID: Json = {"type": "message", "role": "assistant", "content": "b"}
FULL: Json = {
    "model": "asked",
    "input": [USER, SAID, {"type": "message", "role": "user", "content": [TEXT]}],
    "instructions": "Be brief.",
    "max_output_tokens": 300,
    "temperature": 0.5,
    "top_p": 1,
    "user": "somebody",
    "stream": False,
    "store": False,
}
LEAST: Json = {"model": "asked", "input": "hello"}
ODD_PARAMETERS: list[tuple[str, Any]] = [
    *each("model", ABSENT, None, 3),
    *each("input", ABSENT, None, "", " ", "hi", [], {}, 3, [3], [None], [{}], [USER]),
    *each("input", [USER, USER], [SAID], [SAID, SAID, USER], [USER, SAID], [SAID, USER]),
    *each("input", [{**USER, "role": "system"}, USER], [{**USER, "role": "developer"}, USER]),
    *each("input.0.content", None, "", " ", 3, [], [TEXT], [TEXT, TEXT], [{**TEXT, "text": " "}]),
    *each("input.0.content", [{**TEXT, "text": ""}], [{**TEXT, "type": "text"}], [3], [USER]),
    *each("input.1.content", "", " ", [TEXT], [{"type": "output_text", "text": "b"}]),
    *each("input.0.type", None, "message", "own", 3),
    *each("input.1.id", None, "msg_1"),
    *each("input.1.status", None, "completed"),
    *each("input.1.phase", None, "commentary"),
    *each("input.2.cache_control", {"type": "ephemeral"}),
    *each("instructions", None, "", " ", 3, [], "x"),
    *each("max_output_tokens", ABSENT, None, 0, 15, 16, 100, 101, 64_001, 16.0, True, "9", 2**63),
    *each("temperature", ABSENT, None, -0.1, 2.1, 2, 1, 1.5, 0, True, "1", []),
    *each("top_p", ABSENT, None, -0.1, 1.1, 0, 2, 0.9, True, "1"),
    *each("user", ABSENT, None, "", 3),
    *each("stream", ABSENT, None, True, 0, "no"),
    *each("store", ABSENT, None, True, 0, "no"),
    *each("reasoning", None, {}, {"effort": "low"}, {"summary": "auto"}, {"summary": "x"}),
    *each("text", None, {}, {"format": {"type": "text"}}, {"verbosity": "low"}),
    *each("tools", None, [], [{"type": "function", "name": "f", "parameters": {}}]),
    *each("metadata", None, {}, {"a": "b"}),
    *each("include", [], ["reasoning.encrypted_content"]),
    *[("n", 1), ("seed", 7), ("stop", "up"), ("service_tier", "flex"), ("truncation", "auto")],
    *[("previous_response_id", "resp_1"), ("prompt_cache_key", "x"), ("stream_options", {})],
    *[("background", True), ("moderation", {}), ("top_k", 5), ("parallel_tool_calls", False)],
]
bodies = some_of(FULL, LEAST)
parameters = like(ODD_PARAMETERS)
requests = st.builds(changed, bodies, st.lists(parameters, max_size=2))
