"""Whole streams as common servers send them, which need no generic translation."""

from typing import Any

from gateway.shapes import Json, Shape
from gateway.translate.stream.sse import encode_events, terminator

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
MESSAGES = Shape.MESSAGES

PAIRS = [
    *((COMPLETIONS, CHAT), (CHAT, RESPONSES), (COMPLETIONS, RESPONSES)),
    *((MESSAGES, CHAT), (MESSAGES, RESPONSES), (CHAT, MESSAGES), (RESPONSES, CHAT)),
]
"""Those with a codec that folds streams."""

OPTIONS: list[Json] = [{}, {"stream_options": {"include_usage": True}}, {"stream_options": {}}]


def options_of(client: Shape) -> list[Json]:
    """Return the options of common streams; messages and responses have none."""
    return [{}] if client in (MESSAGES, RESPONSES) else OPTIONS


ASKED = [(client, home, options) for client, home in PAIRS for options in options_of(client)]
"""The pairs with a codec, with each option of a stream."""


CHUNK: Json = {
    "id": "chatcmpl-7",
    "object": "chat.completion.chunk",
    "created": 1_600_000_000,
    "model": "gpt",
    "service_tier": "default",
    "system_fingerprint": "fp_1",
}
USAGE: Json = {
    "prompt_tokens": 3,
    "completion_tokens": 5,
    "total_tokens": 8,
    "prompt_tokens_details": {"cached_tokens": 1},
}
RESPONSE: Json = {
    "id": "resp_7",
    "object": "response",
    "created_at": 1_600_000_000.5,
    "model": "gpt",
    "error": None,
    "service_tier": "default",
    "metadata": {},
}
COUNTED: Json = {
    "input_tokens": 3,
    "input_tokens_details": {"cached_tokens": 1},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 8,
}
THOUGHT: Json = {"id": "rs_1", "type": "reasoning", "summary": []}


def chunk(delta: Json, reason: str | None = None, **more: Any) -> Json:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return {**CHUNK, "choices": [choice], **more}


def chat(*texts: str, reason: str = "stop") -> list[Json]:
    """Return a chat stream, as OpenAI sends it."""
    role: Json = {"role": "assistant", "content": "", "refusal": None}
    return [
        chunk(role),
        *(chunk({"content": text}) for text in texts),
        chunk({}, reason),
        {**CHUNK, "choices": [], "usage": USAGE},
    ]


def responses(*texts: str, phase: str | None = None, thinks: bool = True) -> list[Json]:
    """Return a responses stream, as OpenAI sends it; `thinks`: after hidden reasoning."""
    place = int(thinks)
    named = {} if phase is None else {"phase": phase}
    whole = "".join(texts)
    part: Json = {"type": "output_text", "annotations": [], "logprobs": [], "text": whole}
    message: Json = {"id": "msg_1", "type": "message", "role": "assistant", **named}
    done = {**message, "status": "completed", "content": [part]}
    of_part = {"item_id": "msg_1", "output_index": place, "content_index": 0}
    events: list[Json] = [
        {"type": "response.created", "response": {**RESPONSE, "status": "in_progress"}},
        {"type": "response.in_progress", "response": {**RESPONSE, "status": "in_progress"}},
    ]
    if thinks:
        events += [
            {"type": "response.output_item.added", "output_index": 0, "item": THOUGHT},
            {"type": "response.output_item.done", "output_index": 0, "item": THOUGHT},
        ]
    item = {**message, "status": "in_progress", "content": []}
    output = [THOUGHT, done] if thinks else [done]
    response = {**RESPONSE, "status": "completed", "output": output, "usage": COUNTED}
    events += [
        {"type": "response.output_item.added", "output_index": place, "item": item},
        {"type": "response.content_part.added", **of_part, "part": {**part, "text": ""}},
        *(
            {"type": "response.output_text.delta", **of_part, "delta": text, "logprobs": []}
            for text in texts
        ),
        {"type": "response.output_text.done", **of_part, "text": whole, "logprobs": []},
        {"type": "response.content_part.done", **of_part, "part": part},
        {"type": "response.output_item.done", "output_index": place, "item": done},
        {"type": "response.completed", "response": response},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def messages(*texts: str, reason: str = "end_turn") -> list[Json]:
    """Return a messages stream, as Anthropic sends it."""
    usage = {"input_tokens": 3, "cache_read_input_tokens": 1, "output_tokens": 1}
    tiered = {**usage, "service_tier": "standard", "inference_geo": "not_available"}
    begun: Json = {"id": "msg_7", "type": "message", "role": "assistant", "model": "claude"}
    ended = {"stop_reason": reason, "stop_sequence": None}
    return [
        {"type": "message_start", "message": {**begun, "content": [], "usage": tiered}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": text},
            }
            for text in texts
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": {**usage, "output_tokens": 9}},
        {"type": "message_stop"},
    ]


def common(home: Shape, *texts: str) -> list[Json]:
    """Return a whole stream of an endpoint."""
    if home is MESSAGES:
        return messages(*texts)
    return responses(*texts) if home is RESPONSES else chat(*texts)


def wires(home: Shape, events: list[Json]) -> list[bytes]:
    """Return the events as bytes, and what ends the stream."""
    ending = [terminator(home)] if terminator(home) else []
    return [*(encode_events(home, [event]) for event in events), *ending]
