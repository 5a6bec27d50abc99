"""Whole chat replies as whole responses: a stream of one event, folded to its end."""

from collections.abc import Sequence

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.parts.upstream_errors import malformed_chat, only_reply, without_error
from gateway.translate.responses_via_chat.output.compaction_stream import CompactionStream
from gateway.translate.responses_via_chat.output.stream import ResponsesStream
from gateway.translate.responses_via_chat.request import PreparedRequest
from gateway.translate.stream.reply_as_event import whole_as_event


def fold_replies(replies: Sequence[object], request: PreparedRequest, context: Context) -> Json:
    """Return the first choice of the one chat completion as a response.

    Raises `UpstreamReplied` for an error in a 200 body, and `UpstreamError` for a reply that is not
    a chat completion.
    """
    event = whole_as_event(Shape.CHAT, without_error(0, only_reply(replies), request))
    if not event["choices"]:
        raise malformed_chat("it has no choices")
    stream = new_stream(request, context)
    stream.feed(0, event)
    response: Json = stream.end(0)[-1]["response"]
    return response


def new_stream(request: PreparedRequest, context: Context) -> ResponsesStream:
    """Return the folder of the call's stream."""
    fold = CompactionStream if request.compacts else ResponsesStream
    return fold(request, context)
