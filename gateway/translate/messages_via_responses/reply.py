"""Whole responses as whole messages: a stream of one event, folded to its end."""

from collections.abc import Sequence

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.endings import error_of_response
from gateway.translate.contract import Context, Report
from gateway.translate.messages_via_responses.stream import MessagesStream
from gateway.translate.parts.messages.prepared import PreparedMessages
from gateway.translate.parts.upstream_errors import only_reply, without_error
from gateway.translate.stream.messages.messages_frame import whole_message


def fold_replies(
    replies: Sequence[object], request: PreparedMessages, context: Context, report: Report
) -> Json:
    """Return the one response as a message.

    Raises `UpstreamReplied` for a response that failed, and `UpstreamError` for a reply that is
    not a complete response, or has a call that cannot be used.
    """
    reply = without_error(0, only_reply(replies), request, error_of_response)
    if not isinstance(reply.get("output"), list):
        raise UpstreamError("The upstream's reply is not a response: it has no list 'output'.")
    stream = MessagesStream(request, context, report)
    events = stream.feed(0, {"type": "response.completed", "response": reply})
    return whole_message(events, report)
