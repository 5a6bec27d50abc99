"""Whole chat replies as whole messages: a stream of one event, folded to its end."""

from collections.abc import Sequence

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.messages_via_chat.stream import MessagesStream
from gateway.translate.parts.messages.prepared import PreparedMessages
from gateway.translate.parts.upstream_errors import malformed_chat, only_reply, without_error
from gateway.translate.stream.messages.messages_frame import whole_message
from gateway.translate.stream.reply_as_event import whole_as_event


def fold_replies(
    replies: Sequence[object], request: PreparedMessages, context: Context, report: Report
) -> Json:
    """Return the first choice of the one chat completion as a message.

    Raises `UpstreamReplied` for an error in a 200 body, and `UpstreamError` for a reply that is not
    a chat completion, or has a call that cannot be used.
    """
    event = whole_as_event(Shape.CHAT, without_error(0, only_reply(replies), request))
    if not event["choices"]:
        raise malformed_chat("it has no choices")
    stream = MessagesStream(request, context, report)
    return whole_message([*stream.feed(0, event), *stream.end(0)], report)
