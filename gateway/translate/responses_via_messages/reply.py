"""Whole messages as whole responses: their events, folded to the end."""

from collections.abc import Sequence

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.to_messages.replied_errors import error_of_message
from gateway.translate.parts.upstream_errors import only_reply, without_error
from gateway.translate.responses_via_messages.request import PreparedRequest
from gateway.translate.responses_via_messages.stream import (
    MessagesAsCompaction,
    MessagesAsResponse,
)
from gateway.translate.stream.messages.message_events import events_of


def fold_replies(
    replies: Sequence[Json], request: PreparedRequest, context: Context, report: Report
) -> Json:
    """Return the one message as a response.

    Raises `UpstreamReplied` for an error in place of the message, and `UpstreamError` for a reply
    that is not a message.
    """
    stream = new_stream(request, context, report)
    message = without_error(0, only_reply(replies), request, error_of_message)
    sent = [event for each in events_of(message) for event in stream.feed(0, each)]
    response: Json = sent[-1]["response"]
    return response


def new_stream(request: PreparedRequest, context: Context, report: Report) -> MessagesAsResponse:
    """Return the folder of the call's stream."""
    fold = MessagesAsCompaction if request.compacts else MessagesAsResponse
    return fold(request, context, report)
