"""What the tests of this package share: requests, contexts, and a responses server's answers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import GatewayError
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses import translate
from gateway.translate.contract import Context, StreamTranslation, Translation
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.limits.server_capabilities import preset
from tests import kinds

HELLO = [{"role": "user", "content": "hello"}]
OPENAI = preset(kinds.OPENAI, Shape.RESPONSES)
VLLM = preset(kinds.VLLM, Shape.RESPONSES)
LLAMACPP = preset(kinds.LLAMACPP, Shape.RESPONSES)
USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 14,
}


def context(capabilities: Capabilities = OPENAI, **settings: Any) -> Context:
    numbers = count(1)
    return Context(
        model_asked="thinker",
        model_sent="gpt-5-pro",
        settings=replace(TranslationSettings(), **settings),
        capabilities=capabilities,
        new_id=lambda: f"{next(numbers):032x}",
        now=1_700_000_000,
    )


def translated(body: Json, of: Context | None = None) -> Translation:
    return translate({"model": "thinker", "messages": HELLO, **body}, of or context())


def call_of(body: Json, of: Context | None = None) -> Json:
    """Return the one upstream body of a request."""
    (call,) = translated(body, of).calls
    return call


def items_of(messages: Sequence[Json], of: Context | None = None) -> list[Json]:
    items: list[Json] = call_of({"messages": list(messages)}, of)["input"]
    return items


def message(*parts: Json, **more: Any) -> Json:
    return {
        "id": "msg_1",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": list(parts),
        **more,
    }


def text(words: str, **more: Any) -> Json:
    return {"type": "output_text", "text": words, "annotations": [], "logprobs": [], **more}


def refusal(words: str) -> Json:
    return {"type": "refusal", "refusal": words}


def function_call(name: str = "f", arguments: str = "{}", **more: Any) -> Json:
    return {
        "id": f"fc_{name}",
        "type": "function_call",
        "call_id": f"call_{name}",
        "name": name,
        "arguments": arguments,
        "status": "completed",
        **more,
    }


def custom_call(name: str = "patch", words: str = "raw", **more: Any) -> Json:
    return {
        "id": f"ctc_{name}",
        "type": "custom_tool_call",
        "call_id": f"call_{name}",
        "name": name,
        "input": words,
        **more,
    }


def reasoning(*texts: str, summary: Sequence[str] = (), **more: Any) -> Json:
    return {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": each} for each in summary],
        "content": [{"type": "reasoning_text", "text": each} for each in texts],
        **more,
    }


def citation(start: int, end: int, **more: Any) -> Json:
    return {
        "type": "url_citation",
        "start_index": start,
        "end_index": end,
        "url": "https://example.org/",
        "title": "Example",
        **more,
    }


def response(*output: Json, **more: Any) -> Json:
    return {
        "id": "resp_7",
        "object": "response",
        "created_at": 1_690_000_000.0,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": "gpt-5-pro-2025",
        "output": list(output),
        "parallel_tool_calls": True,
        "metadata": {},
        "tool_choice": "auto",
        "tools": [],
        "temperature": 1,
        "top_p": 1,
        "usage": USAGE,
        **more,
    }


def incomplete(*output: Json, reason: str = "max_output_tokens", **more: Any) -> Json:
    details = {"reason": reason}
    return response(*output, status="incomplete", incomplete_details=details, **more)


def opening(of: Json) -> list[Json]:
    started = {**of, "status": "in_progress", "output": [], "usage": None}
    return [
        {"type": "response.created", "response": started},
        {"type": "response.in_progress", "response": started},
    ]


def ending(of: Json) -> Json:
    return {"type": f"response.{of['status']}", "response": of}


def pieces(whole: str, size: int) -> Iterator[str]:
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def events_of(of: Json, size: int = 3) -> list[Json]:
    """Return the stream that api.openai.com would send for a response, text in pieces of a size."""
    events = opening(of)
    for index, item in enumerate(of["output"]):
        events += item_events(item, index, size)
    events.append(ending(of))
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def item_events(item: Json, index: int, size: int = 3) -> list[Json]:
    where = {"item_id": item["id"], "output_index": index}
    empty: Json = {"content": [], "summary": [], "arguments": "", "input": "", "result": None}
    started = {key: empty.get(key, value) for key, value in item.items()}
    inner = {
        "message": _message_events,
        "reasoning": _reasoning_events,
        "function_call": _call_events,
        "custom_tool_call": _call_events,
        "image_generation_call": _image_events,
    }[item["type"]]
    return [
        {"type": "response.output_item.added", "output_index": index, "item": started},
        *({**event, **where} for event in inner(item, size)),
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


def image_call(result: str | None = "QUJD", **more: Any) -> Json:
    return {"id": "ig_1", "type": "image_generation_call", "result": result, **more}


def _image_events(item: Json, size: int) -> Iterator[Json]:
    yield {"type": "response.image_generation_call.in_progress"}
    yield {"type": "response.image_generation_call.partial_image", "partial_image_b64": "QQ=="}


def _message_events(item: Json, size: int) -> Iterator[Json]:
    for k, part in enumerate(item["content"]):
        where = {"content_index": k}
        kind = part["type"]
        field = "refusal" if kind == "refusal" else "text"
        yield {"type": "response.content_part.added", "part": {**part, field: ""}, **where}
        if part.get("logprobs"):
            for entry in part["logprobs"]:
                delta = {"delta": entry["token"], "logprobs": [_without_bytes(entry)]}
                yield {"type": "response.output_text.delta", **delta, **where}
        else:
            for piece in pieces(part[field], size):
                delta = {"delta": piece} if kind == "refusal" else {"delta": piece, "logprobs": []}
                yield {"type": f"response.{kind}.delta", **delta, **where}
        for n, annotation in enumerate(part.get("annotations", ())):
            added = {"annotation_index": n, "annotation": annotation}
            yield {"type": "response.output_text.annotation.added", **added, **where}
        logprobs: Json = {} if kind == "refusal" else {"logprobs": []}
        yield {"type": f"response.{kind}.done", field: part[field], **logprobs, **where}
        yield {"type": "response.content_part.done", "part": part, **where}


def _without_bytes(entry: Json) -> Json:
    return {
        "token": entry["token"],
        "logprob": entry["logprob"],
        "top_logprobs": [
            {"token": each["token"], "logprob": each["logprob"]} for each in entry["top_logprobs"]
        ],
    }


def _reasoning_events(item: Json, size: int) -> Iterator[Json]:
    for k, part in enumerate(item["content"]):
        for piece in pieces(part["text"], size):
            yield {"type": "response.reasoning_text.delta", "delta": piece, "content_index": k}
    for k, part in enumerate(item["summary"]):
        where = {"summary_index": k}
        yield {"type": "response.reasoning_summary_part.added", "part": part, **where}
        for piece in pieces(part["text"], size):
            yield {"type": "response.reasoning_summary_text.delta", "delta": piece, **where}


def _call_events(item: Json, size: int) -> Iterator[Json]:
    custom = item["type"] == "custom_tool_call"
    field = "input" if custom else "arguments"
    kind = "custom_tool_call_input" if custom else "function_call_arguments"
    for piece in pieces(item[field], size):
        yield {"type": f"response.{kind}.delta", "delta": piece}
    yield {"type": f"response.{kind}.done", field: item[field]}


def like_llamacpp(events: Sequence[Json]) -> list[Json]:
    """Return a stream as llama.cpp sends it: without any index, and with fewer events."""
    left_out = ("response.in_progress", "response.function_call_arguments.done")
    hidden = ("sequence_number", "output_index", "content_index", "summary_index")
    return [
        {name: value for name, value in event.items() if name not in hidden}
        for event in events
        if event["type"] not in left_out
    ]


def entries(*tokens: str) -> list[Json]:
    """Return the logprobs of a whole response's text part."""
    return [
        {
            "token": token,
            "logprob": -0.5,
            "bytes": list(token.encode()),
            "top_logprobs": [
                {"token": token, "logprob": -0.5, "bytes": list(token.encode())},
                {"token": "other", "logprob": -1.5, "bytes": list(b"other")},
            ],
        }
        for token in tokens
    ]


def run(stream: StreamTranslation, events: Sequence[Json], call: int = 0) -> list[Json]:
    """Return all chunks of one call's stream, its end included."""
    chunks = [made for event in events for made in stream.feed(call, event)]
    return chunks + stream.end(call)


def streamed(body: Json, events: Sequence[Json], of: Context | None = None) -> list[Json]:
    return run(translated({"stream": True, **body}, of).stream(), events)


def whole(body: Json, reply: Json, of: Context | None = None) -> Json:
    return translated(body, of).reply([reply])


def message_of(body: Json, reply: Json, of: Context | None = None) -> Json:
    said: Json = whole(body, reply, of)["choices"][0]["message"]
    return said


def deltas_of(chunks: Sequence[Json], index: int = 0) -> list[Json]:
    """Return the deltas of one choice, the role's and the finish's left out."""
    return [
        choice["delta"]
        for made in chunks
        for choice in made["choices"]
        if choice["index"] == index and choice["delta"] and "role" not in choice["delta"]
    ]


def finishes_of(chunks: Sequence[Json], index: int = 0) -> list[str]:
    return [
        choice["finish_reason"]
        for made in chunks
        for choice in made["choices"]
        if choice["index"] == index and choice["finish_reason"] is not None
    ]


def joined(chunks: Sequence[Json], name: str, index: int = 0) -> str:
    return "".join(delta.get(name) or "" for delta in deltas_of(chunks, index))


def folded(chunks: Sequence[Json], index: int = 0) -> Json:
    """Return the choice that the chunks of one index make, as a whole reply has it."""
    said: Json = {}
    calls: list[Json] = []
    logprobs: list[Json] = []
    for choice in (c for made in chunks for c in made["choices"] if c["index"] == index):
        logprobs += (choice["logprobs"] or {"content": []})["content"]
        for name, value in choice["delta"].items():
            if name == "tool_calls":
                for piece in value:
                    _fold_call(calls, piece)
            elif name == "function_call":
                known = said.setdefault(name, {"name": "", "arguments": ""})
                said[name] = {key: known[key] + value.get(key, "") for key in known}
            elif name in _LISTS:
                known = said.setdefault(name, [])
                assert [each["index"] for each in value] == [len(known)]
                known += [{k: v for k, v in each.items() if k != "index"} for each in value]
            elif value is not None and name != "role":
                said[name] = said[name] + value if name in said else value
    (finish,) = finishes_of(chunks, index)
    silent = "refusal" in said or calls or "function_call" in said or "images" in said
    said = {"role": "assistant", "refusal": None, **said}
    said["content"] = said.get("content") or (None if silent else "")
    return {
        "index": index,
        "message": {**said, "tool_calls": calls} if calls else said,
        "logprobs": {"content": logprobs, "refusal": None} if logprobs else None,
        "finish_reason": finish,
    }


_LISTS = ("annotations", "content_parts", "file_citations", "images", "output_items")


def _fold_call(calls: list[Json], piece: Json) -> None:
    if piece["index"] == len(calls):
        calls.append({key: value for key, value in piece.items() if key != "index"})
        return
    known = calls[piece["index"]]
    kind = known["type"]
    for field, text in piece[kind].items():
        known[kind] = {**known[kind], field: known[kind].get(field, "") + text}


def outcome(attempt: Callable[[], Any]) -> Any:
    """Return what an attempt returns, or the one kind of error that it may raise."""
    try:
        return attempt()
    except GatewayError as error:
        return error


TOOLS = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]
PATCH = [{"type": "custom", "custom": {"name": "patch"}}]
ALL_TOOLS: Json = {"tools": [*TOOLS, *PATCH]}
WITH_USAGE: Json = {"stream": True, "stream_options": {"include_usage": True}}
ROLE = {"role": "assistant", "content": "", "refusal": None}
FULL = response(
    reasoning(summary=["one", "two"], id="rs_1"),
    message(text("Hello ", annotations=[citation(0, 5), citation(1, 2)]), text("you"), id="msg_1"),
    function_call("f", '{"x":1}'),
    function_call("g", ""),
    custom_call(),
)


def expected_chunk(delta: Json, *, finish: str | None = None, index: int = 0) -> Json:
    return {
        "id": "chatcmpl-7",
        "object": "chat.completion.chunk",
        "created": 1_690_000_000,
        "model": "thinker",
        "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}],
    }


def delta_event(words: str, **more: object) -> Json:
    return {"type": "response.output_text.delta", "item_id": "msg_1", "delta": words, **more}
