"""Whole chat replies as whole responses: a stream of one event, folded to its end."""

from gateway.shapes import Json, Shape
from gateway.translate.responses_via_chat.request import (
    PreparedRequest,
    carried_error,
    malformed,
)
from gateway.translate.responses_via_chat.stream import ResponsesStream
from gateway.translate.stream.reply_as_event import whole_as_event


def fold_reply(reply: object, request: PreparedRequest, stream: ResponsesStream) -> Json:
    """Return the response that `stream` makes of a chat completion's first choice.

    Raises `UpstreamReplied` for an error in a 200 body, and `UpstreamError` for a reply that is no
    chat completion.
    """
    error = carried_error(request, reply)
    if error is not None:
        raise error
    if not isinstance(reply, dict):
        raise malformed("it is not a JSON object")
    event = whole_as_event(Shape.CHAT, reply)
    if not event["choices"]:
        raise malformed("it has no choices")
    stream.feed(0, event)
    response: Json = stream.end(0)[-1]["response"]
    return response
