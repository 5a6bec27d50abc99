"""A whole reply as the stream event or events with the same content.

For upstreams that answer a streaming request with a whole body: the reply then passes the same
state machine as a stream.
"""

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.parts.finish_reasons import UNKNOWN, ending_word
from gateway.translate.stream.messages.message_events import events_of
from gateway.translate.stream.replay import replayed
from gateway.translate.stream.reply_as_chunks import as_chunks
from gateway.translate.stream.reply_choices import choices_of, in_order, message_of
from gateway.translate.stream.response_form import check_response

_ENDED = ("completed", "incomplete")


def whole_as_event(shape: Shape, reply: Json, *, default_reason: str = UNKNOWN) -> Json:
    """Return one event of `shape`'s stream grammar that carries the whole reply.

    `default_reason` is the finish reason of choices that have none: all choices have ended. Raises
    `UpstreamError` for invalid choices.
    """
    if shape is Shape.MESSAGES:
        return reply
    if shape is Shape.RESPONSES:
        status = reply.get("status")
        ending = status if status in ("incomplete", "failed") else "completed"
        if reply.get("error"):
            ending = "failed"  # whatever its status is, as where a whole reply is folded
        return {"type": f"response.{ending}", "response": reply}
    choices = [
        {**choice, "finish_reason": ending_word(choice) or default_reason}
        for choice in in_order(choices_of(reply))
    ]
    if shape is Shape.COMPLETIONS:
        return {**reply, "choices": choices}
    failed = bool(reply.get("error"))
    chunks = [_chunk_choice(choice, failed=failed) for choice in choices]
    return {**reply, "object": "chat.completion.chunk", "choices": chunks}


def whole_as_events(shape: Shape, reply: Json, *, with_usage: bool | None = None) -> list[Json]:
    """Return the events of `shape`'s stream that carry the whole reply.

    Messages and responses get several events, because clients show what deltas bring. Chat and
    completions get several if `with_usage` is set: it is None unless a client of that shape gets
    the events, and else says whether that client has asked for the usage. Raises as
    `whole_as_event` does.
    """
    if shape is Shape.MESSAGES and not reply.get("error"):
        return list(events_of(reply))
    if shape is Shape.RESPONSES and reply.get("status") in _ENDED and _can_be_replayed(reply):
        return replayed(reply)
    if with_usage is None or shape in (Shape.RESPONSES, Shape.MESSAGES):
        return [whole_as_event(shape, reply)]
    return as_chunks(whole_as_event(shape, reply, default_reason="stop"), with_usage=with_usage)


def _can_be_replayed(response: Json) -> bool:
    try:
        check_response(response)
    except UpstreamError:
        return False
    return not response.get("error")


def _chunk_choice(choice: Json, *, failed: bool) -> Json:
    """Return a choice as it is in a chunk; a choice that failed needs no message."""
    chunk = {key: value for key, value in choice.items() if key != "message"}
    message = message_of(choice)
    if message is None and not (failed or choice.get("error")):
        raise UpstreamError("The upstream's chat reply cannot be used: a choice has no 'message'.")
    delta = dict(message or {})
    calls = delta.get("tool_calls")
    if isinstance(calls, list):
        given = [call for call in calls if call is not None]
        delta["tool_calls"] = [
            {**call, "index": position} if isinstance(call, dict) else call
            for position, call in enumerate(given)
        ]
    return {**chunk, "delta": delta}
