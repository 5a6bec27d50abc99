"""Messages clients with models that live at the responses endpoint."""

from functools import partial

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.messages_via_responses.reply import fold_replies
from gateway.translate.messages_via_responses.request import prepare
from gateway.translate.messages_via_responses.stream import MessagesStream
from gateway.translate.pair import PairTranslation
from gateway.translate.parts.from_messages.local_reply import empty_reply


def translate(body: Json, context: Context) -> Translation:
    """Translate a messages request for a responses endpoint.

    `body` is not changed. Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's
    parameter.
    """
    report = Report(Shape.MESSAGES, Shape.RESPONSES)
    request = prepare(body, context, report)
    return PairTranslation(
        request,
        context,
        report,
        partial(fold_replies, report=report),
        partial(MessagesStream, report=report),
        None if request.calls else empty_reply(context),
    )
