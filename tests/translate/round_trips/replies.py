"""Random replies to a request as it arrives upstream: valid by the schema, and to the point.

As many choices as were asked for, calls of tools that were offered, log probabilities if they were
asked for; beyond that, whatever the schema has.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from gateway.shapes import Json, Shape
from tests.translate.openai_schema import closed_definitions
from tests.translate.round_trips.generated import BLANK, ENDINGS, numbered, valid, values_of

SCHEMAS: Mapping[Shape, str] = {
    Shape.COMPLETIONS: "CreateCompletionResponse",
    Shape.CHAT: "CreateChatCompletionResponse",
    Shape.RESPONSES: "Response",
}
MARKS_PER_CALL = 1000
_ARGUMENTS = f'{{"{BLANK}": 1}}'
_TOKENS = st.lists(st.sampled_from([BLANK + ending for ending in ENDINGS]), min_size=1, max_size=3)
_FINISHES = st.sampled_from(["stop", "stop", "stop", "length", "content_filter"])
_ODDS = st.integers(0, 3)


@st.composite
def replies(draw: st.DrawFn, shape: Shape, request: Json, call: int) -> Json:
    """Whole replies to the call of that number. Each of their texts has a mark of its own."""
    reply: Json = numbered(draw(_REPLIES[shape](request)), MARKS_PER_CALL * (call + 1))
    _agree(shape, reply)
    return reply


def _agree(shape: Shape, reply: Json) -> None:
    """Let texts be what their tokens add up to, and each token be the first of its own list.

    And there is one result of a moderation for what was said, and one for what was answered.
    """
    for results in (reply.get("moderation") or {}).values():
        if "results" in results:
            results["results"] = results["results"][:1]
    if shape is Shape.MESSAGES:
        return
    if shape is Shape.RESPONSES:
        for item in reply["output"]:
            for part in item.get("content", ()) if item["type"] == "message" else ():
                if entries := part.get("logprobs"):
                    part["text"] = _text_of(entries)
    else:
        for choice in reply["choices"]:
            _agree_in_choice(choice, choice["logprobs"] or {})


def _agree_in_choice(choice: Json, logprobs: Json) -> None:
    if "tokens" in logprobs:
        choice["text"] = "".join(logprobs["tokens"])
        for token, own, tops in zip(
            logprobs["tokens"], logprobs["token_logprobs"], logprobs["top_logprobs"], strict=True
        ):
            tops[token] = own
    for kind in ("content", "refusal"):
        if logprobs.get(kind):
            choice["message"][kind] = _text_of(logprobs[kind])


def _text_of(entries: Sequence[Json]) -> str:
    for entry in entries:
        for top in entry["top_logprobs"][:1]:
            top |= {key: entry[key] for key in top}
        for listed in (entry, *entry["top_logprobs"]):
            listed["bytes"] = list(listed["token"].encode())
    return "".join(entry["token"] for entry in entries)


@st.composite
def _completion(draw: st.DrawFn, request: Json) -> Json:
    reply: Json = {"id": BLANK, "object": "text_completion", "created": 1_790_000_000}
    choices = range(request.get("n") or 1)
    reply |= {
        "model": "served",
        "choices": [draw(_text_choice(index, request.get("logprobs"))) for index in choices],
    }
    return {**reply, **draw(_extras(SCHEMAS[Shape.COMPLETIONS], ("system_fingerprint", "usage")))}


@st.composite
def _text_choice(draw: st.DrawFn, index: int, logprobs: int | None) -> Json:
    tokens = draw(_TOKENS)
    entries = None
    if logprobs is not None:
        entries = {
            "tokens": tokens,
            "token_logprobs": [-draw(st.integers(1, 50)) / 8 for _ in tokens],
            "top_logprobs": [
                {f"{BLANK} or": -draw(st.integers(51, 90)) / 8} if logprobs > 1 else {}
                for _ in tokens
            ],
            "text_offset": list(range(len(tokens))),
        }
    finish = draw(_FINISHES)
    return {"index": index, "text": "".join(tokens), "logprobs": entries, "finish_reason": finish}


@st.composite
def _chat_completion(draw: st.DrawFn, request: Json) -> Json:
    reply: Json = {"id": BLANK, "object": "chat.completion", "created": 1_790_000_000}
    choices = range(request.get("n") or 1)
    reply |= {
        "model": "served",
        "choices": [draw(_chat_choice(index, request)) for index in choices],
    }
    asked = ("moderation",) if request.get("moderation") else ()
    names = ("system_fingerprint", "usage", "service_tier", *asked)
    return {**reply, **draw(_extras(SCHEMAS[Shape.CHAT], names))}


@st.composite
def _chat_choice(draw: st.DrawFn, index: int, request: Json) -> Json:
    tokens = draw(_TOKENS)
    kinds = ["content", "content", "refusal", *(["tools"] if _callable(request) else ())]
    kind = draw(st.sampled_from(kinds))
    message: Json = {"role": "assistant", "content": None, "refusal": None}
    finish = draw(_FINISHES)
    if kind == "tools":
        message |= draw(_calls(request))
        finish = "tool_calls" if "tool_calls" in message else "function_call"
        message["content"] = draw(st.sampled_from([None, "".join(tokens)]))
    else:
        message[kind] = "".join(tokens)
    if kind == "content" and request.get("web_search_options") is not None:
        annotations = closed_definitions()["ChatCompletionResponseMessage"]["properties"]
        message["annotations"] = draw(values_of(annotations["annotations"]))
    logprobs = None
    if request.get("logprobs") and kind != "tools":
        entries = [draw(_token_logprob(token, request)) for token in tokens]
        logprobs = {"content": None, "refusal": None, kind: entries}
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": finish}


def _callable(request: Json) -> bool:
    return bool(request.get("tools") or request.get("functions"))


@st.composite
def _calls(draw: st.DrawFn, request: Json) -> Json:
    if functions := request.get("functions"):
        name = draw(st.sampled_from(functions))["name"]
        return {"function_call": {"name": name, "arguments": _ARGUMENTS}}
    most = 1 if request.get("parallel_tool_calls") is False else 2
    called = draw(st.lists(st.sampled_from(request["tools"]), min_size=1, max_size=most))
    return {"tool_calls": [_call_of(tool) for tool in called]}


def _call_of(tool: Json) -> Json:
    if tool["type"] == "custom":
        custom = {"name": tool["custom"]["name"], "input": BLANK}
        return {"id": BLANK, "type": "custom", "custom": custom}
    arguments = _arguments_for(tool["function"].get("parameters"))
    function = {"name": tool["function"]["name"], "arguments": arguments}
    return {"id": BLANK, "type": "function", "function": function}


def _arguments_for(parameters: Json | None) -> str:
    """Return arguments with the properties that are required, as far as they are texts."""
    schema = parameters or {}
    required, known = schema.get("required", ()), schema.get("properties", {})
    if len(required) == 1:
        return f'{{"{required[0]}": "{BLANK}"}}'
    if not required or any(known[name].get("type") != "string" for name in required):
        return _ARGUMENTS
    texts = [f'"{name}": "{known[name].get("enum", [BLANK])[-1]}"' for name in required]
    return f"{{{', '.join(texts)}}}"


@st.composite
def _token_logprob(draw: st.DrawFn, token: str, request: Json) -> Json:
    likely, unlikely = draw(st.integers(1, 50)) / -8, draw(st.integers(51, 90)) / -8
    chosen = {"token": token, "logprob": likely, "bytes": []}
    other = {"token": f"{BLANK} or", "logprob": unlikely, "bytes": []}
    return {**chosen, "top_logprobs": [dict(chosen), other][: request.get("top_logprobs") or 0]}


@st.composite
def _response(draw: st.DrawFn, request: Json) -> Json:
    items = [*draw(st.lists(valid("ReasoningItem"), max_size=1))]
    if "reasoning.encrypted_content" not in (request.get("include") or ()):
        for thought in items:
            thought.pop("encrypted_content", None)
    says = draw(_ODDS) > 0 or not request.get("tools")
    if says:
        items += [draw(_message(request)) for _ in range(draw(_messages_of(request)))]
        for message in items[:-1]:
            message.pop("phase", None)
    if request.get("tools"):
        most = 1 if request.get("parallel_tool_calls") is False else 2
        calls = st.lists(_item_of_tool(request["tools"]), min_size=not says, max_size=most)
        items += draw(calls)
    for item in items:
        if "status" in item or item["type"] == "message":
            item["status"] = "completed"
    reply = {
        "id": BLANK,
        "object": "response",
        "created_at": 1_790_000_000,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": request.get("instructions"),
        "model": "served",
        "output": items,
        "parallel_tool_calls": True,
        "metadata": request.get("metadata") or {},
        "temperature": 1,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1,
        "usage": draw(valid("ResponseUsage")),
    }
    if draw(_ODDS) == 0:
        reason = draw(st.sampled_from(["max_output_tokens", "content_filter"]))
        reply |= {"status": "incomplete", "incomplete_details": {"reason": reason}}
    asked = ("moderation",) if request.get("moderation") else ()
    return {**reply, **draw(_extras(SCHEMAS[Shape.RESPONSES], ("service_tier", *asked)))}


def _messages_of(request: Json) -> st.SearchStrategy[int]:
    """Return how many messages the reply has: one where a document is asked for."""
    form = (request.get("text") or {}).get("format") or {"type": "text"}
    return st.integers(1, 2 if form["type"] == "text" else 1)


@st.composite
def _message(draw: st.DrawFn, request: Json) -> Json:
    message: Json = draw(valid("OutputMessage"))
    asked = "message.output_text.logprobs" in (request.get("include") or ())
    for part in message["content"]:
        if part["type"] != "output_text":
            continue
        tokens = draw(_TOKENS)
        part["text"] = "".join(tokens)
        part["logprobs"] = (
            [draw(_token_logprob(token, request)) for token in tokens] if asked else []
        )
    return message


@st.composite
def _item_of_tool(draw: st.DrawFn, tools: Sequence[Json]) -> Json:
    tool = draw(st.sampled_from(tools))
    if tool["type"] == "function":
        arguments = _arguments_for(tool.get("parameters"))
        item: Json = {**draw(valid("FunctionToolCall")), "arguments": arguments}
    elif tool["type"] == "custom":
        item = draw(valid("CustomToolCall"))
    else:
        return draw(valid("WebSearchToolCall"))
    unasked = ("namespace", "caller")
    named = {key: value for key, value in item.items() if key not in unasked}
    return {**named, "name": tool["name"]}


@st.composite
def _extras(draw: st.DrawFn, schema: str, names: Sequence[str]) -> Json:
    """Some of the other properties of a reply; the usage always."""
    # No other tier can be asked for at both endpoints.
    properties = {
        **closed_definitions()[schema]["properties"],
        "service_tier": closed_definitions()["ServiceTier"],
    }
    kept = [name for name in names if name == "usage" or draw(st.booleans())]
    return {name: draw(values_of(properties[name], name)) for name in kept}


@st.composite
def _messages(draw: st.DrawFn, request: Json) -> Json:
    """A message; its stop sequence and its service tier are not those of a client's request."""
    kinds = ["text", "text", "thinking", "redacted_thinking"]
    kinds += ["tool_use"] if request.get("tools") else []
    chosen = draw(st.lists(st.sampled_from(kinds), max_size=4))
    choice = request.get("tool_choice", {})
    if choice.get("type") == "none":
        chosen = [kind for kind in chosen if kind != "tool_use"]
    if choice.get("disable_parallel_tool_use") and "tool_use" in chosen:
        chosen = [*(kind for kind in chosen if kind != "tool_use"), "tool_use"]
    blocks = [draw(_block(kind, request)) for kind in chosen]
    reasons = ["tool_use"] if "tool_use" in chosen else ["end_turn", "end_turn", "stop_sequence"]
    reason = draw(st.sampled_from([*reasons, "max_tokens", "refusal"]))
    refused = {"type": "refusal", "category": None, "explanation": BLANK}
    counts = {"input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"}
    return {
        "id": f"msg_{BLANK}",
        "type": "message",
        "role": "assistant",
        "model": "served",
        "content": blocks,
        "stop_reason": reason,
        "stop_sequence": None,
        "stop_details": refused if reason == "refusal" else None,
        "usage": {
            **{name: draw(st.integers(0, 999)) for name in sorted(counts)},
            "output_tokens": draw(st.integers(1, 999)),
            "output_tokens_details": {"thinking_tokens": draw(st.integers(0, 1))},
        },
    }


@st.composite
def _block(draw: st.DrawFn, kind: str, request: Json) -> Json:
    text = "".join(draw(_TOKENS))
    if kind == "text":
        return {"type": kind, "text": text}
    if kind == "thinking":
        return {"type": kind, "thinking": text, "signature": BLANK}
    if kind == "redacted_thinking":
        return {"type": kind, "data": BLANK}
    tool = draw(st.sampled_from(request["tools"]))
    given: Json = msgspec.json.decode(_arguments_for(tool["input_schema"]).replace(BLANK, "@"))
    filled = {key.replace("@", BLANK): value for key, value in given.items()}
    return {
        "type": kind,
        "id": f"toolu_{BLANK}",
        "name": tool["name"],
        "input": {key: BLANK if value == "@" else value for key, value in filled.items()},
    }


_REPLIES: Mapping[Shape, Callable[[Json], st.SearchStrategy[Any]]] = {
    Shape.COMPLETIONS: _completion,
    Shape.CHAT: _chat_completion,
    Shape.RESPONSES: _response,
    Shape.MESSAGES: _messages,
}
