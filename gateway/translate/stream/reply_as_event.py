"""A whole reply, given as the stream event that says the same.

For upstreams that answer a streaming request with plain JSON: the reply then goes through the same
state machine as a stream would.
"""

from gateway.shapes import Json, Shape


def whole_as_event(shape: Shape, reply: Json) -> Json:
    """Return one event of `shape`'s stream grammar that carries the whole reply."""
    if shape is Shape.RESPONSES:
        status = reply.get("status")
        ending = status if status in ("incomplete", "failed") else "completed"
        if reply.get("error"):
            ending = "failed"  # whatever its status says, as it is where it is folded as a whole
        return {"type": f"response.{ending}", "response": reply}
    if shape is Shape.COMPLETIONS:
        return reply
    choices = reply.get("choices")
    return {
        **reply,
        "object": "chat.completion.chunk",
        "choices": [_chunk_choice(choice) for choice in choices if isinstance(choice, dict)]
        if isinstance(choices, list)
        else [],
    }


def _chunk_choice(choice: Json) -> Json:
    chunk = {key: value for key, value in choice.items() if key != "message"}
    message = choice.get("message")
    delta = dict(message) if isinstance(message, dict) else {}
    calls = delta.get("tool_calls")
    if isinstance(calls, list):
        delta["tool_calls"] = [
            {**call, "index": position}
            for position, call in enumerate(calls)
            if isinstance(call, dict)
        ]
    return {**chunk, "delta": delta}
