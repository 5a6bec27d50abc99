"""Chat clients on models that live at the responses endpoint only."""

from functools import partial

from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.reply import fold_replies
from gateway.translate.chat_via_responses.request import prepare
from gateway.translate.chat_via_responses.stream import ChatStream
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.pair import PairTranslation


def translate(body: Json, context: Context) -> Translation:
    """Translate a chat request for a responses endpoint.

    Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's parameter.
    """
    report = Report(Shape.CHAT, Shape.RESPONSES)
    request = prepare(body, context, report)
    return PairTranslation(
        request,
        context,
        report,
        partial(fold_replies, report=report),
        partial(ChatStream, report=report),
    )
