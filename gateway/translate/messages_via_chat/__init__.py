"""Messages clients with models that live at the chat endpoint."""

from functools import partial

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.messages_via_chat.reply import fold_replies
from gateway.translate.messages_via_chat.request import prepare
from gateway.translate.messages_via_chat.stream import MessagesStream
from gateway.translate.pair import PairTranslation
from gateway.translate.parts.from_messages.local_reply import empty_reply


def translate(body: Json, context: Context) -> Translation:
    """Translate a messages request for a chat endpoint.

    `body` is not changed. Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's
    parameter.
    """
    report = Report(Shape.MESSAGES, Shape.COMPLETIONS if context.is_pivot else Shape.CHAT)
    request = prepare(body, context, report)
    return PairTranslation(
        request,
        context,
        report,
        partial(fold_replies, report=report),
        partial(MessagesStream, report=report),
        None if request.calls else empty_reply(context),
    )
