"""What the schema does not say of a request: what fits together.

Random values are put right, as little as possible, where any server would refuse them: outputs
without a call, a choice among tools that are not there, options of a stream without a stream.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.shapes import Json, Shape

MOST_CHOICES = 3
"""As many choices as a test has patience for."""

_OPTIONS: Mapping[Shape, Sequence[tuple[str, str]]] = {
    Shape.COMPLETIONS: (("stream_options", "stream"),),
    Shape.CHAT: (
        ("stream_options", "stream"),
        ("top_logprobs", "logprobs"),
        ("parallel_tool_calls", "tools"),
        ("tool_choice", "tools"),
        ("function_call", "functions"),
    ),
    Shape.RESPONSES: (("stream_options", "stream"), ("tool_choice", "tools")),
}
"""What is asked for in vain without something else."""

_FLAT_CHOICES = frozenset({"function", "custom", "shell", "apply_patch"})


def made_sensible(shape: Shape, body: Json) -> Json:
    """Put a request right, in place, and return it."""
    if body.get("n") is not None:
        body["n"] = min(body["n"], MOST_CHOICES)
    _BY_SHAPE[shape](body)
    for option, what in _OPTIONS[shape]:
        if not body.get(what):
            body.pop(option, None)
    return body


def _completions(body: Json) -> None:
    if body.get("best_of") is not None:
        body["best_of"] = max(min(body["best_of"], MOST_CHOICES), body.get("n") or 1)
        body["stream"] = False


def _chat(body: Json) -> None:
    if body.get("tools"):
        body.pop("functions", None)
        _choose(body, [_nested(tool) for tool in body["tools"]], "allowed_tools")
    if body.get("max_completion_tokens") is not None:
        body.pop("max_tokens", None)
    if "audio" in (body.get("modalities") or ()) and not body.get("audio"):
        body["audio"] = {"voice": "alloy", "format": "wav"}
    if isinstance(call := body.get("function_call"), dict) and body.get("functions"):
        call["name"] = body["functions"][0]["name"]
    _pair_messages(body["messages"])


def _pair_messages(messages: Sequence[Json]) -> None:
    """Let every result of a call say which; calls without results are taken out."""
    for asking, *results in (messages[position:] for position in range(len(messages))):
        if asking["role"] != "assistant":
            continue
        answered = results[0]["role"] if results else ""
        if answered != "tool" or not asking.get("tool_calls"):
            asking.pop("tool_calls", None)
        if answered != "function":
            asking.pop("function_call", None)
        for call, result in zip(asking.get("tool_calls", ()), results, strict=False):
            result["tool_call_id"] = call["id"]
        if answered == "function":
            results[0]["name"] = asking["function_call"]["name"]
        elif answered != "tool" and asking.get("content") is None and not asking.get("refusal"):
            asking["content"] = "Yes."


def _responses(body: Json) -> None:
    if body.get("conversation") is not None:
        body.pop("previous_response_id", None)
    if body.get("tools"):
        tools = [_flat(tool) for tool in body["tools"] if tool["type"] in _FLAT_CHOICES]
        _choose(body, tools, "")
    if isinstance(body["input"], list):
        body["input"] = _sensible_items(body["input"])


def _sensible_items(items: Sequence[Json]) -> list[Json]:
    """Let every call be followed by an output that names it; a message there is in any case."""
    kept: list[Json] = []
    items = [item for item in items if item.get("type") not in _NOT_ALONE]
    for item, after in zip(items, [*items[1:], {}], strict=False):
        kind, called = str(item.get("type")), str(kept[-1].get("type")) if kept else ""
        _let_users_ask(item)
        if kind.endswith("_call") and kind != "web_search_call" and "call_id" in item:
            if after.get("type") == f"{kind}_output":
                kept.append(item)
        elif not kind.endswith("call_output"):
            kept.append(item)
        elif called == kind.removesuffix("_output"):
            kept.append({**item, "call_id": kept[-1]["call_id"]})
    if not any("content" in item and item.get("type") != "reasoning" for item in kept):
        kept.append({"role": "user", "content": "And now?"})
    return kept


_NOT_ALONE = ("compaction_trigger", "tool_search_output")
"""What makes sense only at the end, or after what it answers."""


def _let_users_ask(message: Json) -> None:
    """Make a message with a user's parts a user's."""
    parts = message.get("content") if message.get("role") == "assistant" else None
    if isinstance(parts, list) and any(part["type"].startswith("input_") for part in parts):
        message["role"] = "user"


def _choose(body: Json, tools: Sequence[Json], nested: str) -> None:
    """Let a request choose among its own tools."""
    choice = body.get("tool_choice")
    if not isinstance(choice, dict):
        return
    if not tools:
        body["tool_choice"] = "auto"
    elif choice["type"] != "allowed_tools":
        body["tool_choice"] = tools[0]
    else:
        allowed = choice[nested] if nested else choice
        allowed["tools"] = list(tools[: max(1, len(allowed["tools"]))])


def _nested(tool: Json) -> Json:
    kind = tool["type"]
    return {"type": kind, kind: {"name": tool[kind]["name"]}}


def _flat(tool: Json) -> Json:
    return {key: tool[key] for key in ("type", "name") if key in tool}


_BY_SHAPE: Mapping[Shape, Callable[[Json], Any]] = {
    Shape.COMPLETIONS: _completions,
    Shape.CHAT: _chat,
    Shape.RESPONSES: _responses,
}
