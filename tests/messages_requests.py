"""The rules of a messages request, as Anthropic's endpoint checks them.

Written from its documentation and SDKs; uses nothing of the gateway's.
"""

import re
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]

PARAMETERS = {
    *("cache_control", "max_tokens", "messages", "metadata", "model", "output_config"),
    *("service_tier", "stop_sequences", "stream", "system", "temperature", "thinking"),
    *("tool_choice", "tools", "top_k", "top_p"),
}
BLOCKS: dict[str, tuple[set[str], set[str]]] = {
    "text": ({"user", "assistant", "system", "result"}, {"text"}),
    "image": ({"user", "result"}, {"source"}),
    "document": ({"user", "result"}, {"source", "title"}),
    "thinking": ({"assistant"}, {"thinking", "signature"}),
    "redacted_thinking": ({"assistant"}, {"data"}),
    "tool_use": ({"assistant"}, {"id", "name", "input"}),
    "tool_result": ({"user"}, {"tool_use_id", "content"}),
}
"""Where each type of block may stand, and its fields."""
_UNCACHED = {"thinking", "redacted_thinking"}
_TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")


def check_messages_request(body: Json) -> None:
    """Fail unless Anthropic would take a request."""
    assert body.keys() <= PARAMETERS, body.keys() - PARAMETERS
    assert type(body["max_tokens"]) is int
    assert body["max_tokens"] >= 1
    assert body["messages"]
    if "system" in body:
        _check_content(body["system"], "system")
    called: list[str] = []
    for position, message in enumerate(body["messages"]):
        assert message.keys() == {"role", "content"}
        _check_content(message["content"], message["role"])
        called = _check_calls(message, called)
        if message["role"] == "system":
            _check_place(body["messages"], position)
    assert not called, "calls without results"
    _check_tools(body)
    _check_thinking(body)
    assert all(stop.strip() for stop in body.get("stop_sequences", ()))


def _check_place(messages: Sequence[Json], position: int) -> None:
    assert position > 0
    assert messages[position - 1]["role"] == "user"
    following = messages[position + 1 : position + 2]
    assert all(message["role"] == "assistant" for message in following)


def _check_content(content: Any, place: str) -> None:
    if isinstance(content, str):
        assert content.strip() or place == "result"
        return
    assert content
    for block in content:
        places, fields = BLOCKS[block["type"]]
        assert place in places, f"{block['type']} in {place}"
        known = {"type", *fields} | (set() if block["type"] in _UNCACHED else {"cache_control"})
        assert block.keys() <= known, block.keys() - known
        if block["type"] == "text":
            assert block["text"].strip()
        if block["type"] == "tool_use":
            assert isinstance(block["input"], dict)
            assert _TOOL_ID.fullmatch(block["id"])
        if block["type"] == "tool_result":
            _check_content(block["content"], "result")


def _check_calls(message: Json, called: Sequence[str]) -> list[str]:
    """Check that the calls before a message are answered at its beginning; return its own."""
    content = message["content"]
    blocks = [] if isinstance(content, str) else content
    results = [block for block in blocks if block["type"] == "tool_result"]
    assert blocks[: len(results)] == results
    assert sorted(result["tool_use_id"] for result in results) == sorted(called)
    return [block["id"] for block in blocks if block["type"] == "tool_use"]


def _check_tools(body: Json) -> None:
    names = [tool["name"] for tool in body.get("tools", ())]
    assert len(names) == len(set(names))
    for tool in body.get("tools", ()):
        fields = {"name", "description", "input_schema", "strict", "cache_control"}
        assert tool.keys() <= fields, tool.keys() - fields
        assert tool["input_schema"]["type"] == "object"
    if "tools" not in body:
        assert "tool_choice" not in body
        contents = [m["content"] for m in body["messages"] if not isinstance(m["content"], str)]
        assert not any(block["type"] == "tool_use" for blocks in contents for block in blocks)
    choice = body.get("tool_choice", {"type": "auto"})
    assert choice["type"] in ("auto", "any", "tool", "none")
    assert choice.get("name", *names[:1]) in names or choice["type"] != "tool"


def _check_thinking(body: Json) -> None:
    thinking = body.get("thinking", {"type": "disabled"})
    if thinking["type"] == "enabled":
        assert 1024 <= thinking["budget_tokens"] < body["max_tokens"]
    if thinking["type"] != "disabled":
        assert body.get("temperature", 1) == 1
        assert "top_k" not in body
    assert body.get("temperature", 1) <= 1
