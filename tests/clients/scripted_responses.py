"""What a scripted model (`scripted_model`) says at `/v1/responses`, with its reasoning."""

from collections.abc import Iterator

from gateway.shapes import Json

ENCRYPTED = "the model's own reasoning, encrypted"


def as_chat(body: Json) -> Json:
    """Return a responses request as far as a scripted model reads it: roles, results, tools."""
    tools = [
        {"type": "function", "function": tool}
        for tool in body.get("tools", ())
        if tool["type"] == "function"
    ]
    return {"messages": [*map(_message, body["input"])], "tools": tools}


def _message(item: Json) -> Json:
    if item.get("type") == "function_call_output":
        return {"role": "tool", "content": item["output"]}
    return {"role": item.get("role", "assistant"), "content": item.get("content")}


def events_of(message: Json) -> Iterator[Json]:
    """Yield the events of a response that says what a chat message does."""
    head = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "error": None}
    usage = {
        "input_tokens": 1,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 2,
    }
    items = [_reasoning(), *_items(message)]
    yield {
        "type": "response.created",
        "response": {**head, "status": "in_progress", "output": [], "usage": None},
    }
    for position, item in enumerate(items):
        yield {"type": "response.output_item.added", "output_index": position, "item": item}
        yield from _deltas(position, item)
        yield {"type": "response.output_item.done", "output_index": position, "item": item}
    done = {**head, "status": "completed", "output": items, "usage": usage}
    yield {"type": "response.completed", "response": done}


def _reasoning() -> Json:
    return {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Let me see."}],
        "encrypted_content": ENCRYPTED,
    }


def _items(message: Json) -> list[Json]:
    if message.get("content") is not None:
        part = {"type": "output_text", "text": message["content"], "annotations": []}
        content = {"role": "assistant", "status": "completed", "content": [part]}
        return [{"id": "msg_1", "type": "message", **content}]
    return [
        {
            "id": f"fc_{call['id']}",
            "type": "function_call",
            "status": "completed",
            "call_id": call["id"],
            **call["function"],
        }
        for call in message["tool_calls"]
    ]


def _deltas(position: int, item: Json) -> Iterator[Json]:
    at = {"item_id": item["id"], "output_index": position}
    if item["type"] == "reasoning":
        delta = {"summary_index": 0, "delta": item["summary"][0]["text"]}
        yield {"type": "response.reasoning_summary_text.delta", **at, **delta}
    elif item["type"] == "message":
        text = {"content_index": 0, "delta": item["content"][0]["text"]}
        yield {"type": "response.output_text.delta", **at, **text}
    else:
        arguments = {"delta": item["arguments"]}
        yield {"type": "response.function_call_arguments.delta", **at, **arguments}
